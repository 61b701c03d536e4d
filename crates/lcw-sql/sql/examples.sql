-- Questions to start with. Each is one statement, and needs the views and macros of `lcw connect`.

-- What is here?
FROM lcw_help();

-- How are the workflows doing, the worst first?
SELECT workflow_display_name, runs, runs_not_settled, users, success_rate, last_run_date_time
FROM workflow_health();

-- Which leavers were not done within 24 hours, and was it fixed?
SELECT workflow_display_name, subject_id, sla, processing_status, completed_date_time, fixed_date_time
FROM leaver_sla('24h')
WHERE sla <> 'met';

-- The same as a figure, month by month.
SELECT date_trunc('month', run_date) AS month, sla, sum(users) AS users
FROM leaver_sla('24h')
GROUP BY ALL
ORDER BY ALL;

-- Whom did a workflow fail in the last thirty days, what failed, and why?
SELECT run_date, workflow_display_name, subject_id, failed_tasks, failure_reasons, fixed_date_time
FROM failed_users(current_date - 30, current_date + 1);

-- Which task fails most?
SELECT workflow_display_name, task_display_name, count(*) AS users, any_value(failure_reason) AS reason
FROM failed_tasks
GROUP BY ALL
ORDER BY users DESC, workflow_display_name, task_display_name
LIMIT 10;

-- Who failed, and was fixed by a later run?
SELECT workflow_display_name, subject_id, failed_date_time, fixed_date_time, fixed_execution_type
FROM fixed_later()
ORDER BY fixed_date_time DESC
LIMIT 10;

-- Everything that was done to one user: put an object id in.
FROM history_of((SELECT min(subject_id) FROM failed_tasks));

-- How long do users wait?
SELECT workflow_display_name, users_started, queue_ms_median, queue_ms_p95, queue_ms_max
FROM queue_delay();

-- What did every workflow do last?
SELECT workflow_display_name, processing_status, scheduled_date_time, total_users_count, failed_users_count
FROM runs_latest
ORDER BY scheduled_date_time DESC;

-- Is everything there? One row per day and verdict.
SELECT run_date, _lcw_proof, _lcw_task_proof, count(*) AS runs, sum(total_users_count) AS counted, sum(_lcw_result_rows) AS rows
FROM runs
GROUP BY ALL
ORDER BY ALL;
