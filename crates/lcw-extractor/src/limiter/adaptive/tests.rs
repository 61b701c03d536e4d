use super::*;

/// Sends and accepts at the controller's own rate for a while.
fn accept(adaptive: &mut Adaptive, now: &mut f64, seconds: f64) {
    let until = *now + seconds;
    while *now < until {
        *now += 1.0 / adaptive.rate();
        let epoch = adaptive.sent(*now);
        adaptive.accepted(epoch, *now, true, *now, None);
    }
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
        let epoch = adaptive.sent(now);
        adaptive.accepted(epoch, now, false, now, None);
    }
    assert!((adaptive.rate() - 5.0).abs() < 1e-9);
}

#[test]
fn the_refusals_of_requests_in_flight_count_once() {
    let (mut adaptive, mut now) = (Adaptive::new(Some(1000.0)), 0.0);
    accept(&mut adaptive, &mut now, 2.0);
    let epochs: Vec<_> = (0..16).map(|_| adaptive.sent(now)).collect();
    let before = adaptive.rate();
    adaptive.refused(epochs[0], now, now + 1.0);
    let after = adaptive.rate();
    assert!(after < before);
    for epoch in &epochs[1..] {
        adaptive.refused(*epoch, now, now + 1.0);
    }
    assert!((adaptive.rate() - after).abs() < 1e-9);
}

#[test]
fn the_rate_stays_within_its_bounds_whatever_happens() {
    let mut adaptive = Adaptive::new(Some(0.05));
    assert!((adaptive.rate() - 0.05).abs() < 1e-9);
    let mut now = 0.0;
    for round in 0..2000 {
        now += f64::from(round % 7) * 0.01;
        let epoch = adaptive.sent(now);
        if round % 3 == 0 {
            adaptive.refused(epoch, now, now);
        } else {
            adaptive.accepted(epoch, now, true, now, Some(f64::from(round % 20) * 0.1));
        }
        assert!(
            adaptive.rate() > 0.0 && adaptive.rate() <= 0.1,
            "{}",
            adaptive.rate()
        );
    }
    let mut unlimited = Adaptive::new(None);
    for _ in 0..2000 {
        let epoch = unlimited.sent(now);
        unlimited.accepted(epoch, now, true, now, None);
    }
    assert!(unlimited.rate().is_finite() && unlimited.rate() > 1e6);
}
