-- What every run did to every user, with the names of the workflow and the state of the run.
CREATE OR REPLACE TEMP VIEW user_results AS
SELECT
    u.tenant_id,
    u.run_date,
    w.display_name AS workflow_display_name,
    w.category AS workflow_category,
    r.processing_status AS run_processing_status,
    r.scheduled_date_time AS run_scheduled_date_time,
    coalesce(r._lcw_settled, false) AS run_settled,
    u.* EXCLUDE (tenant_id, run_date)
FROM user_processing_results AS u
LEFT JOIN workflows AS w ON w.tenant_id = u.tenant_id AND w.id = u.workflow_id
LEFT JOIN runs AS r ON r.tenant_id = u.tenant_id AND r.workflow_id = u.workflow_id AND r.id = u.run_id;

-- Tasks that failed for a user, and why. Dry runs are left out.
CREATE OR REPLACE TEMP VIEW failed_tasks AS
SELECT
    t.tenant_id,
    t.run_date,
    w.display_name AS workflow_display_name,
    w.category AS workflow_category,
    r.workflow_execution_type,
    r.scheduled_date_time AS run_scheduled_date_time,
    t.* EXCLUDE (tenant_id, run_date)
FROM task_processing_results AS t
LEFT JOIN workflows AS w ON w.tenant_id = t.tenant_id AND w.id = t.workflow_id
LEFT JOIN runs AS r ON r.tenant_id = t.tenant_id AND r.workflow_id = t.workflow_id AND r.id = t.run_id
WHERE t.processing_status = 'failed'
  AND r.workflow_execution_type IS DISTINCT FROM 'preview';

-- The newest run of every workflow, whatever its state. Dry runs are left out.
CREATE OR REPLACE TEMP VIEW runs_latest AS
SELECT
    r.tenant_id,
    r.run_date,
    w.display_name AS workflow_display_name,
    w.category AS workflow_category,
    r.* EXCLUDE (tenant_id, run_date)
FROM runs AS r
LEFT JOIN workflows AS w ON w.tenant_id = r.tenant_id AND w.id = r.workflow_id
WHERE r.workflow_execution_type IS DISTINCT FROM 'preview'
QUALIFY row_number() OVER (
    PARTITION BY r.tenant_id, r.workflow_id
    ORDER BY r.scheduled_date_time DESC, r.id DESC) = 1;
