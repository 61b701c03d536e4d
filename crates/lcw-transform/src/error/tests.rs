use super::*;

#[test]
fn values_and_ids_are_shortened_and_made_one_line() {
    let error = FlattenError::date_time("runs", "r\n1", "startedDateTime", &"9\u{7}".repeat(500));
    assert_eq!(error.row_id, "r\\n1");
    assert!(error.value.chars().count() < 300 && !error.value.contains('\u{7}'));
    let long = FlattenError::missing("runs", &"x".repeat(5000), "scheduledDateTime");
    assert!(long.to_string().chars().count() < 400);
}

#[test]
fn the_user_at_the_end_of_a_composed_id_is_not_told() {
    let user = "0cdd8963-1c30-4632-a1f2-ac96723069cb";
    let id = format!("78799042_1_78799042_638927021459357126_{user}");
    let error = FlattenError::date_time("user_processing_results", &id, "startedDateTime", "x");
    assert_eq!(error.row_id, "78799042_1_78799042_638927021459357126_…");
    assert!(!format!("{error} {error:?}").contains(user));

    let run = FlattenError::null("runs", "78799042_638927021459357126", "scheduledDateTime");
    assert_eq!(run.row_id, "78799042_638927021459357126");
    let plain = FlattenError::missing("user_processing_results", "16db611b-2518", "x");
    assert_eq!(plain.row_id, "16db611b-2518");
}

#[test]
fn nor_is_the_user_before_the_task_at_the_end() {
    let user = "0cdd8963-1c30-4632-a1f2-ac96723069cb";
    let id = format!("78799042_1_78799042_638927021459357126_{user}_60a6868a");
    let error = FlattenError::date_time("task_processing_results", &id, "createdDateTime", "x");
    assert_eq!(error.row_id, "78799042_1_78799042_638927021459357126_…");
    let error = FlattenError::null("task_processing_results", &format!("{user}_60a6868a"), "x");
    assert_eq!(error.row_id, "…");
}
