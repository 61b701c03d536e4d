//! What the clock of leavers is, in words.

/// What starts and what stops the clock, and what that does not show.
pub(super) fn of(
    clock: &str,
    has_tasks: bool,
    has_leaver_workflow: bool,
    by_result: u64,
) -> String {
    let mut said = vec![match clock {
        "leave_date" => {
            "The clock starts at the leave date of the population; an attempt counts from 7 days \
             before it."
        }
        _ => {
            "The clock starts at the schedule of the run that first took a user up, once per \
             workflow: leavers whom no run took up are not seen. --population shows them."
        }
    }];
    if !has_leaver_workflow {
        said.push("None of the workflows is of the category leaver.");
    }
    if !has_tasks {
        said.push(
            "It stops when processing completed. Task results are not in the dataset for this \
             window: that the account itself was disabled is not shown.",
        );
        return said.join(" ");
    }
    said.push("It stops when the task that disables or deletes the account completed.");
    if by_result > 0 {
        said.push(
            "Where no such task is known, it stops when processing completed: for these leavers \
             that the account itself was disabled is not shown.",
        );
    }
    said.join(" ")
}
