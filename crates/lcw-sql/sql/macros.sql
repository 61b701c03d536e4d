-- Questions that are asked again and again. FROM lcw_help(); lists them.
--
-- What they have in common: every answer is by tenant. Dry runs (`preview`) are left out, but in
-- history_of. A user failed when a task failed for them: one that may fail (`completedWithErrors`)
-- or one that may not (`failed`). Times do not depend on the session's time zone.

-- Users who failed, who succeeded in the same workflow later on, and when first. One row for each
-- failed result that has a later `completed` one; a failed result without such a row is not fixed.
CREATE OR REPLACE TEMP MACRO fixed_later() AS TABLE
WITH failures AS (
    SELECT *, coalesce(completed_date_time, started_date_time, scheduled_date_time) AS failed_date_time
    FROM user_results
    WHERE processing_status IN ('failed', 'completedWithErrors')
      AND workflow_execution_type IS DISTINCT FROM 'preview'
),
successes AS (
    SELECT tenant_id, workflow_id, subject_id, run_id, workflow_execution_type, completed_date_time
    FROM user_processing_results
    WHERE processing_status = 'completed'
      AND workflow_execution_type IS DISTINCT FROM 'preview'
)
SELECT
    f.run_date,
    f.workflow_display_name,
    f.workflow_category,
    f.subject_id,
    f.processing_status,
    f.failed_date_time,
    s.completed_date_time AS fixed_date_time,
    date_diff('millisecond', f.failed_date_time, s.completed_date_time) AS fixed_after_ms,
    s.workflow_execution_type AS fixed_execution_type,
    f.tenant_id,
    f.workflow_id,
    f.run_id,
    f.id AS result_id,
    s.run_id AS fixed_run_id
FROM failures AS f
JOIN successes AS s
  ON s.tenant_id = f.tenant_id
 AND s.workflow_id = f.workflow_id
 AND s.subject_id = f.subject_id
 AND s.completed_date_time > f.failed_date_time
QUALIFY row_number() OVER (
    PARTITION BY f.tenant_id, f.workflow_id, f.run_id, f.id
    ORDER BY s.completed_date_time, s.run_id) = 1;

-- Users for whom a task failed in the runs of [from_day, to_day), what failed and why, and when the
-- same workflow first succeeded for them afterwards (NULL: not yet). One row per user and run.
CREATE OR REPLACE TEMP MACRO failed_users(from_day, to_day) AS TABLE
WITH tasks_of_users AS (
    SELECT
        tenant_id, workflow_id, run_id, subject_id,
        list(task_display_name ORDER BY execution_sequence, id) AS failed_tasks,
        list(failure_reason ORDER BY execution_sequence, id) AS failure_reasons
    FROM failed_tasks
    WHERE run_date >= CAST(from_day AS DATE) AND run_date < CAST(to_day AS DATE)
    GROUP BY tenant_id, workflow_id, run_id, subject_id
)
SELECT
    u.run_date,
    u.workflow_display_name,
    u.workflow_category,
    u.workflow_execution_type,
    u.subject_id,
    u.processing_status,
    t.failed_tasks,
    t.failure_reasons,
    u.failed_tasks_count,
    u.total_unprocessed_tasks_count,
    u.completed_date_time,
    f.fixed_date_time,
    u.tenant_id,
    u.workflow_id,
    u.run_id,
    u.id AS result_id
FROM user_results AS u
LEFT JOIN tasks_of_users AS t
  ON t.tenant_id = u.tenant_id AND t.workflow_id = u.workflow_id
 AND t.run_id = u.run_id AND t.subject_id = u.subject_id
LEFT JOIN fixed_later() AS f
  ON f.tenant_id = u.tenant_id AND f.workflow_id = u.workflow_id
 AND f.run_id = u.run_id AND f.result_id = u.id
WHERE u.run_date >= CAST(from_day AS DATE) AND u.run_date < CAST(to_day AS DATE)
  AND u.processing_status IN ('failed', 'completedWithErrors')
  AND u.workflow_execution_type IS DISTINCT FROM 'preview'
ORDER BY u.run_date, u.tenant_id, u.workflow_display_name, u.workflow_id, u.run_id, u.subject_id, u.id;

-- Leavers against a service level: leaver_sla('24h'). One row per user and run of leaver workflows.
-- The clock starts at the schedule of the run, not when the run or the user was started.
--   met      the user's result is `completed`, at most `within` after the run's schedule
--   missed   completed later; or final without success (`completedWithErrors`, `failed`,
--            `canceled`); or no final result when it was last read, after the deadline
--   open     no final result when it was last read, before the deadline
--   unknown  nothing to judge by: no instant of completion, no row of the run. Or users whom the
--            service counts and the dataset does not hold: one row per run, without subject_id, and
--            with their number in `users`
-- Nobody is taken for met without a final result, and nobody is left out: sum(users), not count(*).
-- Runs that process users again (`activatedWithScope`) have no clock of their own: they show as
-- fixed_date_time of the row that they mend.
CREATE OR REPLACE TEMP MACRO leaver_sla(within) AS TABLE
WITH held AS (
    SELECT tenant_id, workflow_id, run_id, count(*) AS users
    FROM user_processing_results
    GROUP BY tenant_id, workflow_id, run_id
),
clocked AS (
    SELECT
        tenant_id, run_date, workflow_id, workflow_display_name, run_id, id AS result_id, subject_id,
        1 AS users, processing_status, completed_date_time, _lcw_extracted_at,
        run_scheduled_date_time AS clock_started_date_time,
        timezone('UTC', timezone('UTC', run_scheduled_date_time) + CAST(within AS INTERVAL))
            AS deadline_date_time
    FROM user_results
    WHERE workflow_category = 'leaver'
      AND workflow_execution_type IS DISTINCT FROM 'preview'
      AND workflow_execution_type IS DISTINCT FROM 'activatedWithScope'
    UNION ALL BY NAME
    SELECT
        r.tenant_id, r.run_date, r.workflow_id, w.display_name AS workflow_display_name,
        r.id AS run_id,
        r.total_users_count - coalesce(h.users, 0) AS users,
        r.scheduled_date_time AS clock_started_date_time,
        timezone('UTC', timezone('UTC', r.scheduled_date_time) + CAST(within AS INTERVAL))
            AS deadline_date_time
    FROM runs AS r
    JOIN workflows AS w ON w.tenant_id = r.tenant_id AND w.id = r.workflow_id
    LEFT JOIN held AS h
      ON h.tenant_id = r.tenant_id AND h.workflow_id = r.workflow_id AND h.run_id = r.id
    WHERE w.category = 'leaver'
      AND r.workflow_execution_type IS DISTINCT FROM 'preview'
      AND r.workflow_execution_type IS DISTINCT FROM 'activatedWithScope'
      AND r.total_users_count > coalesce(h.users, 0)
)
SELECT
    c.run_date,
    c.workflow_display_name,
    c.subject_id,
    CAST(c.users AS BIGINT) AS users,
    CASE
        WHEN c.processing_status = 'completed' AND c.completed_date_time <= c.deadline_date_time
            THEN 'met'
        WHEN c.processing_status = 'completed' AND c.completed_date_time > c.deadline_date_time
            THEN 'missed'
        WHEN c.processing_status IN ('completedWithErrors', 'failed', 'canceled') THEN 'missed'
        WHEN c.processing_status = 'completed' OR c.result_id IS NULL OR c.deadline_date_time IS NULL
            THEN 'unknown'
        WHEN c._lcw_extracted_at > c.deadline_date_time THEN 'missed'
        ELSE 'open'
    END AS sla,
    c.processing_status,
    c.clock_started_date_time,
    c.deadline_date_time,
    c.completed_date_time,
    date_diff('millisecond', c.clock_started_date_time, c.completed_date_time) AS took_ms,
    f.fixed_date_time,
    c.tenant_id,
    c.workflow_id,
    c.run_id,
    c.result_id
FROM clocked AS c
LEFT JOIN fixed_later() AS f
  ON f.tenant_id = c.tenant_id AND f.workflow_id = c.workflow_id
 AND f.run_id = c.run_id AND f.result_id = c.result_id
ORDER BY c.clock_started_date_time, c.tenant_id, c.workflow_id, c.run_id, c.subject_id, c.result_id;

-- How long users wait between their schedule and their start, by workflow, in settled runs: the
-- median, the 95th of a hundred, and the longest. Each is the wait of some user, none is an average
-- of two. Users who were never started have no wait and are counted beside.
CREATE OR REPLACE TEMP MACRO queue_delay() AS TABLE
SELECT
    workflow_display_name,
    workflow_category,
    count(queue_ms) AS users_started,
    count(*) - count(queue_ms) AS users_never_started,
    quantile_disc(queue_ms, 0.5) AS queue_ms_median,
    quantile_disc(queue_ms, 0.95) AS queue_ms_p95,
    max(queue_ms) AS queue_ms_max,
    tenant_id,
    workflow_id
FROM user_results
WHERE run_settled
  AND workflow_execution_type IS DISTINCT FROM 'preview'
GROUP BY tenant_id, workflow_id, workflow_display_name, workflow_category
ORDER BY queue_ms_p95 DESC NULLS LAST, tenant_id, workflow_id;

-- Every workflow: how many runs, how they ended, by the service's own counters. Runs that are not
-- settled, open ones among them, are counted in runs_not_settled and nowhere else: their counters
-- are not complete. success_rate is users_successful / users over settled runs that have both
-- counters; NULL without a user. Successful and failed users need not add up to all users.
-- users_not_held is how many users of settled runs the service counts more than there are rows: the
-- rest of the answer is by the service's counters and holds in spite of it.
CREATE OR REPLACE TEMP MACRO workflow_health() AS TABLE
WITH held AS (
    SELECT tenant_id, workflow_id, run_id, count(*) AS users
    FROM user_processing_results
    GROUP BY tenant_id, workflow_id, run_id
),
counted AS (
    SELECT
        r.*,
        r.total_users_count IS NOT NULL AND r.successful_users_count IS NOT NULL AS has_rate,
        greatest(r.total_users_count - coalesce(h.users, 0), 0) AS users_not_held
    FROM runs AS r
    LEFT JOIN held AS h
      ON h.tenant_id = r.tenant_id AND h.workflow_id = r.workflow_id AND h.run_id = r.id
    WHERE r.workflow_execution_type IS DISTINCT FROM 'preview'
)
SELECT
    w.display_name AS workflow_display_name,
    w.category AS workflow_category,
    w.is_enabled,
    w.deleted_date_time,
    count(*) FILTER (WHERE r._lcw_settled) AS runs,
    count(*) FILTER (WHERE NOT r._lcw_settled) AS runs_not_settled,
    count(*) FILTER (WHERE r._lcw_settled AND r.processing_status = 'completed') AS runs_completed,
    count(*) FILTER (WHERE r._lcw_settled AND r.processing_status = 'completedWithErrors')
        AS runs_completed_with_errors,
    count(*) FILTER (WHERE r._lcw_settled AND r.processing_status = 'failed') AS runs_failed,
    count(*) FILTER (WHERE r._lcw_settled AND r.processing_status = 'canceled') AS runs_canceled,
    CAST(coalesce(sum(r.total_users_count) FILTER (WHERE r._lcw_settled), 0) AS BIGINT) AS users,
    CAST(coalesce(sum(r.successful_users_count) FILTER (WHERE r._lcw_settled), 0) AS BIGINT)
        AS users_successful,
    CAST(coalesce(sum(r.failed_users_count) FILTER (WHERE r._lcw_settled), 0) AS BIGINT)
        AS users_failed,
    sum(r.successful_users_count) FILTER (WHERE r._lcw_settled AND r.has_rate)
        / nullif(sum(r.total_users_count) FILTER (WHERE r._lcw_settled AND r.has_rate), 0)
        AS success_rate,
    CAST(coalesce(sum(r.users_not_held) FILTER (WHERE r._lcw_settled), 0) AS BIGINT)
        AS users_not_held,
    max(r.scheduled_date_time) AS last_run_date_time,
    w.tenant_id,
    w.id AS workflow_id
FROM workflows AS w
LEFT JOIN counted AS r ON r.tenant_id = w.tenant_id AND r.workflow_id = w.id
GROUP BY w.tenant_id, w.id, w.display_name, w.category, w.is_enabled, w.deleted_date_time
ORDER BY success_rate NULLS LAST, w.tenant_id, w.id;

-- Everything that was done to one user or other subject, by object id, oldest run first: a row for
-- the result of each run (`user`, `subject`), and below it one for each task (`task`). Dry runs are
-- in it, by workflow_execution_type.
CREATE OR REPLACE TEMP MACRO history_of(object_id) AS TABLE
WITH steps AS (
    SELECT
        'user' AS kind, tenant_id, workflow_id, run_id, id, subject_id, processing_status,
        scheduled_date_time, started_date_time, completed_date_time
    FROM user_processing_results
    WHERE subject_id IN (object_id, lower(object_id))
    UNION ALL BY NAME
    SELECT
        'subject' AS kind, tenant_id, workflow_id, run_id, id, subject_id, processing_status,
        scheduled_date_time, started_date_time, completed_date_time
    FROM subject_processing_results
    WHERE subject_id IN (object_id, lower(object_id))
    UNION ALL BY NAME
    SELECT
        'task' AS kind, tenant_id, workflow_id, run_id, id, subject_id, processing_status,
        created_date_time AS scheduled_date_time, started_date_time, completed_date_time,
        task_display_name, execution_sequence, failure_reason
    FROM task_processing_results
    WHERE subject_id IN (object_id, lower(object_id))
)
SELECT
    s.kind,
    w.display_name AS workflow_display_name,
    w.category AS workflow_category,
    r.workflow_execution_type,
    r.scheduled_date_time AS run_scheduled_date_time,
    s.execution_sequence,
    s.task_display_name,
    s.processing_status,
    s.failure_reason,
    s.scheduled_date_time,
    s.started_date_time,
    s.completed_date_time,
    s.subject_id,
    s.tenant_id,
    s.workflow_id,
    s.run_id,
    s.id AS result_id
FROM steps AS s
LEFT JOIN workflows AS w ON w.tenant_id = s.tenant_id AND w.id = s.workflow_id
LEFT JOIN runs AS r ON r.tenant_id = s.tenant_id AND r.workflow_id = s.workflow_id AND r.id = s.run_id
ORDER BY
    r.scheduled_date_time, s.tenant_id, s.workflow_id, s.run_id,
    s.kind = 'task', s.execution_sequence, s.id;

-- What there is: every view and macro of this kit, with what it is for.
CREATE OR REPLACE TEMP MACRO lcw_help() AS TABLE
SELECT view_name AS name, 'view' AS kind, comment AS meaning
FROM duckdb_views()
WHERE temporary AND NOT internal AND comment IS NOT NULL
UNION ALL
SELECT function_name || '(' || coalesce(array_to_string(parameters, ', '), '') || ')', 'macro', comment
FROM duckdb_functions()
WHERE function_type = 'table_macro' AND NOT internal AND comment IS NOT NULL
ORDER BY kind, name;

COMMENT ON MACRO TABLE fixed_later IS 'Failed users for whom the same workflow succeeded later on, and when.';
COMMENT ON MACRO TABLE failed_users IS 'Users for whom a task failed in the runs of [from_day, to_day): which tasks, why, and whether it was fixed.';
COMMENT ON MACRO TABLE leaver_sla IS 'Leavers against a service level such as ''24h'' from the schedule of the run: met, missed, open or unknown. Count with sum(users).';
COMMENT ON MACRO TABLE queue_delay IS 'How long users wait to be started, by workflow, in settled runs.';
COMMENT ON MACRO TABLE workflow_health IS 'Every workflow with its runs, users and success rate; runs that are not settled are left out of it.';
COMMENT ON MACRO TABLE history_of IS 'Everything that was done to one user or other subject, by object id.';
COMMENT ON MACRO TABLE lcw_help IS 'This list.';
