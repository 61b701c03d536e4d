use proptest::prelude::*;

use super::*;

/// Sends and accepts at the controller's own rate for a while.
fn accept(adaptive: &mut Adaptive, now: &mut f64, seconds: f64) {
    let until = *now + seconds;
    while *now < until {
        *now += 1.0 / adaptive.rate();
        let sent = adaptive.sent(*now);
        adaptive.accepted(sent, true, *now, None);
    }
}

/// Sends one request now, which is refused with a pause of a second.
fn refuse(adaptive: &mut Adaptive, now: &mut f64) {
    *now += 1.0 / adaptive.rate();
    let sent = adaptive.sent(*now);
    adaptive.refused(sent, *now, *now + 1.0);
    *now += 1.0;
}

#[test]
fn the_rate_doubles_from_five_to_the_ceiling_while_nothing_is_refused() {
    let (mut adaptive, mut now) = (Adaptive::new(Some(50.0)), 0.0);
    assert!((adaptive.rate() - 5.0).abs() < 1e-9);
    accept(&mut adaptive, &mut now, 0.45);
    assert!((adaptive.rate() - 10.0).abs() < 1e-9);
    accept(&mut adaptive, &mut now, 3.0);
    assert!((adaptive.rate() - 50.0).abs() < 1e-9);
}

#[test]
fn a_rate_that_nobody_needs_does_not_grow() {
    let mut adaptive = Adaptive::new(Some(50.0));
    for step in 0..1000 {
        let now = f64::from(step);
        let sent = adaptive.sent(now);
        adaptive.accepted(sent, false, now, None);
    }
    assert!((adaptive.rate() - 5.0).abs() < 1e-9);
}

#[test]
fn the_refusals_of_requests_in_flight_count_once() {
    let (mut adaptive, mut now) = (Adaptive::new(Some(1000.0)), 0.0);
    accept(&mut adaptive, &mut now, 2.0);
    let sent: Vec<_> = (0..16).map(|_| adaptive.sent(now)).collect();
    let before = adaptive.rate();
    adaptive.refused(sent[0], now, now + 1.0);
    let after = adaptive.rate();
    assert!(after < before);
    for sent in &sent[1..] {
        adaptive.refused(*sent, now, now + 1.0);
    }
    assert!((adaptive.rate() - after).abs() < 1e-9);
}

#[test]
fn after_one_refusal_at_a_rate_that_was_borne_for_long_the_rate_is_back_at_once() {
    let (mut adaptive, mut now) = (Adaptive::new(Some(50.0)), 0.0);
    accept(&mut adaptive, &mut now, 600.0);
    refuse(&mut adaptive, &mut now);
    assert!(adaptive.rate() > 45.0, "{}", adaptive.rate());
    accept(&mut adaptive, &mut now, 5.0);
    assert!(adaptive.rate() > 49.0, "{}", adaptive.rate());
}

#[test]
fn an_hour_in_which_nobody_asked_makes_no_rate_of_a_refusal() {
    let (mut adaptive, mut now) = (Adaptive::new(Some(50.0)), 0.0);
    accept(&mut adaptive, &mut now, 60.0);
    now += 3_600.0;
    refuse(&mut adaptive, &mut now);
    assert!(adaptive.rate() > 45.0, "{}", adaptive.rate());
}

#[test]
fn refusals_that_go_on_say_that_the_limit_has_fallen() {
    let (mut adaptive, mut now) = (Adaptive::new(Some(50.0)), 0.0);
    accept(&mut adaptive, &mut now, 600.0);
    for _ in 0..6 {
        accept(&mut adaptive, &mut now, 0.2);
        refuse(&mut adaptive, &mut now);
    }
    assert!(adaptive.rate() < 35.0, "{}", adaptive.rate());
}

#[test]
fn refusals_once_in_five_hundred_that_do_not_depend_on_the_rate_hardly_slow_down() {
    let (mut adaptive, mut now) = (Adaptive::new(Some(50.0)), 0.0);
    for _ in 0..60 {
        for _ in 0..500 {
            now += 1.0 / adaptive.rate();
            let sent = adaptive.sent(now);
            adaptive.accepted(sent, true, now, None);
        }
        refuse(&mut adaptive, &mut now);
    }
    // At the ceiling it would be 600 seconds, and a minute of pauses.
    assert!(now < 1.15 * 660.0, "{now}");
}

#[test]
fn one_refusal_in_fifty_by_chance_does_not_bring_the_rate_to_a_halt() {
    let (mut adaptive, mut now) = (Adaptive::new(Some(50.0)), 0.0);
    let mut dice = 7_u64;
    for _ in 0..20_000 {
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        if (dice >> 33).is_multiple_of(50) {
            refuse(&mut adaptive, &mut now);
        } else {
            now += 1.0 / adaptive.rate();
            let sent = adaptive.sent(now);
            adaptive.accepted(sent, true, now, None);
        }
    }
    // At the ceiling it would be 400 seconds and 400 of pauses; a rate that only falls needs 40,000.
    assert!(now < 15_000.0, "{now}");
}

#[test]
fn what_flowed_in_between_two_refusals_bounds_the_limit_from_below() {
    let mut epoch = Epoch::first().after(10.0, 12.0);
    for answer in 1..=60 {
        epoch.accept(20.0, 12.0 + f64::from(answer) / 20.0);
    }
    // Three seconds at twenty a second, after two seconds of pause.
    assert!((epoch.inflow() - 12.0).abs() < 1e-9, "{}", epoch.inflow());
    // An hour in which nobody asks is no hour in which nothing flowed in.
    epoch.accept(20.0, 3_600.0);
    assert!(epoch.inflow() > 10.0, "{}", epoch.inflow());
}

#[test]
fn two_epochs_of_unlike_lengths_tell_the_limit() {
    // A bucket that the pause fills with five, and ten a second.
    let epoch = |rate: f64| {
        let mut epoch = Epoch::first().after(0.0, 1.0);
        let busy = 5.0 / (rate - 10.0);
        let mut at = 1.0;
        while at + 1.0 / rate <= 1.0 + busy {
            at += 1.0 / rate;
            epoch.accept(rate, at);
        }
        epoch
    };
    let limit = epoch(11.0).limit_with(&epoch(13.0), 11.0).unwrap();
    assert!((9.5..=10.5).contains(&limit), "{limit}");
    assert_eq!(epoch(11.0).limit_with(&epoch(11.0), 11.0), None);
    assert_eq!(epoch(11.0).limit_with(&Epoch::first(), 11.0), None);
}

/// What may happen next: a while, and an answer.
#[derive(Debug, Clone)]
enum Happens {
    Accepted { waited: bool, usage: Option<f64> },
    Refused { pause: f64 },
}

fn happens() -> impl Strategy<Value = (f64, Happens)> {
    let accepted = (any::<bool>(), prop::option::weighted(0.1, 0.0..3.0_f64))
        .prop_map(|(waited, usage)| Happens::Accepted { waited, usage });
    let refused = (0.0..100.0_f64).prop_map(|pause| Happens::Refused { pause });
    (0.0..20.0_f64, prop_oneof![20 => accepted, 1 => refused])
}

proptest! {
    #[test]
    fn the_rate_stays_within_its_bounds_whatever_happens(
        ceiling in 0.01..1e4_f64,
        story in prop::collection::vec(happens(), 1..500),
    ) {
        let mut adaptive = Adaptive::new(Some(ceiling));
        let (mut now, mut in_flight) = (0.0, std::collections::VecDeque::new());
        for (while_, happens) in story {
            now += while_ / ceiling;
            in_flight.push_back(adaptive.sent(now));
            if in_flight.len() < 5 {
                continue;
            }
            let sent = in_flight.pop_front().unwrap();
            match happens {
                Happens::Accepted { waited, usage } => adaptive.accepted(sent, waited, now, usage),
                Happens::Refused { pause } => adaptive.refused(sent, now, now + pause),
            }
            let rate = adaptive.rate();
            prop_assert!(rate <= ceiling && rate >= LOWEST_RATE.min(ceiling), "{}", rate);
        }
    }
}

#[test]
fn without_a_ceiling_the_rate_grows_without_end() {
    let mut unlimited = Adaptive::new(None);
    for _ in 0..2000 {
        let sent = unlimited.sent(0.0);
        unlimited.accepted(sent, true, 0.0, None);
    }
    assert!(unlimited.rate().is_finite() && unlimited.rate() > 1e6);
}
