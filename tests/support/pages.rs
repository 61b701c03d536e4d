//! Pages as the service sends them, of as many rows as somebody asks for.

/// A page of user processing results of one run, about 414 bytes a row, in the order of their ids.
pub fn page_of_results(rows: usize) -> String {
    page((0..rows).map(|number| {
        let chance = chance(number);
        format!(
            "{{\"id\":\"{number:08x}-6967-4168-a7ea-{chance:016x}\",\
             \"completedDateTime\":\"2026-11-22T23:28:11.{:07}Z\",\"failedTasksCount\":0,\
             \"processingStatus\":\"completed\",\"scheduledDateTime\":\"2026-11-22T23:28:01.6476554Z\",\
             \"startedDateTime\":\"2026-11-22T23:28:04.{:07}Z\",\"totalTasksCount\":2,\
             \"totalUnprocessedTasksCount\":0,\"workflowExecutionType\":\"scheduled\",\
             \"workflowVersion\":1,\"subject\":{{\"id\":\"ea09ac2e-77e3-4134-85f2-{:012x}\"}}}}",
            chance % 10_000_000,
            chance / 7 % 10_000_000,
            chance % 4_000,
        )
    }))
}

/// A page of task processing results of one run; every tenth has failed.
pub fn page_of_task_results(rows: usize) -> String {
    page((0..rows).map(|number| {
        let chance = chance(number);
        let (status, reason) = match number % 10 {
            0 => ("failed", "\"The mailbox of the user was not found.\""),
            _ => ("completed", "null"),
        };
        format!(
            "{{\"id\":\"{number:08x}-6967-4168-a7ea-{chance:016x}\",\
             \"createdDateTime\":\"2026-11-22T23:28:01.6476554Z\",\
             \"startedDateTime\":\"2026-11-22T23:28:04.{:07}Z\",\
             \"completedDateTime\":\"2026-11-22T23:28:11.{:07}Z\",\
             \"processingStatus\":\"{status}\",\"failureReason\":{reason},\
             \"subject\":{{\"id\":\"ea09ac2e-77e3-4134-85f2-{:012x}\"}},\
             \"task\":{{\"category\":\"leaver\",\"continueOnError\":false,\
             \"description\":\"Disables the user\",\"displayName\":\"Disable user account\",\
             \"executionSequence\":1,\"id\":\"3f1a3f0c-0000-4000-8000-000000000001\",\
             \"isEnabled\":true,\"taskDefinitionId\":\"1dfdfcc7-52fa-4c2e-bf3a-e3919cc12950\",\
             \"arguments\":[]}}}}",
            chance / 7 % 10_000_000,
            chance % 10_000_000,
            chance % 4_000,
        )
    }))
}

fn chance(number: usize) -> u64 {
    (number as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

fn page(rows: impl Iterator<Item = String>) -> String {
    let rows: Vec<String> = rows.collect();
    format!(
        "{{\"@odata.context\":\"https://graph.example/v1.0/$metadata#results\",\"value\":[{}]}}",
        rows.join(",")
    )
}
