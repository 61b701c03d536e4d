use super::*;

fn runs(further: bool) -> FaultTarget<'static> {
    FaultTarget {
        endpoint: Endpoint::Runs,
        path: "/v1.0/x/workflows/w1/runs",
        further,
    }
}

fn hits(rule: FaultRule, requests: usize) -> Vec<usize> {
    let mut book = FaultBook::default();
    book.add(rule);
    (1..=requests)
        .filter(|_| book.pick(Phase::Before, &runs(false)).is_some())
        .collect()
}

#[test]
fn rules_count_the_requests_that_match() {
    let rule = || FaultRule::new(Fault::ConnectionReset);
    assert_eq!(hits(rule(), 3), [1, 2, 3]);
    assert_eq!(hits(rule().times(2), 5), [1, 2]);
    assert_eq!(hits(rule().when(When::Nth(3)), 5), [3]);
    assert_eq!(hits(rule().when(When::EveryNth(2)).times(2), 8), [2, 4]);
    assert_eq!(hits(rule().on(Endpoint::Workflows), 3), [0_usize; 0]);
    assert_eq!(hits(rule().path_contains("/w2/"), 3), [0_usize; 0]);
    assert_eq!(hits(rule().pages(Pages::Further), 3), [0_usize; 0]);
}

#[test]
fn chances_follow_the_seed() {
    let rule = |seed| {
        FaultRule::new(Fault::status(503))
            .when(When::Chance(0.3))
            .seed(seed)
    };
    let first = hits(rule(1), 200);
    assert!((30..90).contains(&first.len()), "{}", first.len());
    assert_eq!(first, hits(rule(1), 200));
    assert_ne!(first, hits(rule(2), 200));
}

#[test]
fn an_expired_skip_token_needs_a_skip_token() {
    let mut book = FaultBook::default();
    book.add(FaultRule::new(Fault::ExpiredSkipToken { status: 410 }).times(1));
    assert_eq!(book.pick(Phase::Before, &runs(false)), None);
    assert!(book.pick(Phase::Before, &runs(true)).is_some());
    assert_eq!(book.pick(Phase::Before, &runs(true)), None);
}

#[test]
fn the_token_endpoint_is_hit_only_when_named() {
    let token = FaultTarget {
        endpoint: Endpoint::Token,
        path: "/t",
        further: false,
    };
    let mut book = FaultBook::default();
    book.add(FaultRule::new(Fault::ConnectionReset));
    assert_eq!(book.pick(Phase::Before, &token), None);
    book.add(FaultRule::new(Fault::status(503)).on(Endpoint::Token));
    assert_eq!(book.pick(Phase::Before, &token), Some(Fault::status(503)));
}
