//! The gate under tokio's paused clock, against a service with a token bucket.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use tokio::task::LocalSet;

use super::*;

const WORKERS: usize = 16;
const LATENCY: Duration = Duration::from_millis(20);

/// A service that bears `limit` requests a second, and saves up `depth` of them.
struct Service {
    limit: f64,
    depth: f64,
    tokens: f64,
    filled_at: Instant,
    retry_after: Duration,
    reports_usage: bool,
    recent: VecDeque<Instant>,
    accepted: f64,
    refused: f64,
}

impl Service {
    fn new(limit: f64) -> Self {
        Self {
            limit,
            depth: limit,
            tokens: limit,
            filled_at: Instant::now(),
            retry_after: Duration::from_secs(1),
            reports_usage: false,
            recent: VecDeque::new(),
            accepted: 0.0,
            refused: 0.0,
        }
    }

    /// The share of the limit in use, or the pause.
    fn ask(&mut self) -> Result<Option<f64>, Duration> {
        let gained = self.filled_at.elapsed().as_secs_f64() * self.limit;
        (self.tokens, self.filled_at) = ((self.tokens + gained).min(self.depth), Instant::now());
        if self.tokens < 1.0 {
            self.refused += 1.0;
            return Err(self.retry_after);
        }
        self.tokens -= 1.0;
        self.accepted += 1.0;
        Ok(self.reports_usage.then(|| self.usage()))
    }
}

impl Service {
    /// The share of the limit in use, over the last five seconds.
    fn usage(&mut self) -> f64 {
        self.recent.push_back(Instant::now());
        while self
            .recent
            .front()
            .is_some_and(|at| at.elapsed() > Duration::from_secs(5))
        {
            self.recent.pop_front();
        }
        f64::from(u32::try_from(self.recent.len()).unwrap()) / (5.0 * self.limit)
    }
}

/// A service, the gate before it, and sixteen workers who never have enough.
struct Bench {
    service: Rc<RefCell<Service>>,
    gate: Rc<RateGate>,
}

impl Bench {
    fn new(service: Service) -> Self {
        let service = Rc::new(RefCell::new(service));
        Self {
            service,
            gate: Rc::new(RateGate::new(Some(2000.0))),
        }
    }

    /// Works for a while; returns the share of the limit that was used, and the
    /// share of the requests that was refused.
    async fn work(&self, seconds: f64) -> (f64, f64) {
        let (accepted, refused) = (
            self.service.borrow().accepted,
            self.service.borrow().refused,
        );
        let until = Instant::now() + Duration::from_secs_f64(seconds);
        let workers = LocalSet::new();
        for _ in 0..WORKERS {
            workers.spawn_local(work(Rc::clone(&self.service), Rc::clone(&self.gate), until));
        }
        workers.await;
        let service = self.service.borrow();
        let (accepted, refused) = (service.accepted - accepted, service.refused - refused);
        (
            accepted / (service.limit * seconds),
            refused / (accepted + refused),
        )
    }
}

async fn work(service: Rc<RefCell<Service>>, gate: Rc<RateGate>, until: Instant) {
    while Instant::now() < until {
        let Ok(permit) = gate.pass(Some(until)).await else {
            return;
        };
        assert_eq!(gate.paused_for(), None, "let through inside a pause");
        sleep(LATENCY / 2).await;
        let answer = service.borrow_mut().ask();
        sleep(LATENCY / 2).await;
        match answer {
            Ok(usage) => gate.accepted(&permit, usage),
            Err(pause) => gate.refused(&permit, pause),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn of_a_steady_limit_95_percent_are_used_and_under_1_percent_refused() {
    for limit in [2.0_f64, 20.0, 100.0, 500.0] {
        let bench = Bench::new(Service::new(limit));
        let (used, refused) = bench.work((4_000.0 / limit).max(40.0)).await;
        assert!(used >= 0.95, "{limit}/s: {used:.3} used, starting included");
        assert!(refused < 0.01, "{limit}/s: {refused:.4} refused");
    }
}

#[tokio::test(start_paused = true)]
async fn a_shallow_bucket_and_long_pauses_are_found_out_as_well() {
    for (depth, pause) in [(0.1, 1), (1.0, 10), (10.0, 1)] {
        let mut service = Service::new(20.0);
        (service.depth, service.retry_after) = (20.0 * depth, Duration::from_secs(pause));
        let bench = Bench::new(service);
        bench.work(300.0).await;
        let (used, refused) = bench.work(200.0).await;
        assert!(used >= 0.92, "{depth} s deep: {used:.3} used");
        assert!(refused < 0.01, "{depth} s deep: {refused:.4} refused");
    }
}

#[tokio::test(start_paused = true)]
async fn a_limit_that_changes_is_followed_down_and_up() {
    let bench = Bench::new(Service::new(50.0));
    bench.work(60.0).await;
    for limit in [20.0, 50.0, 5.0, 30.0] {
        {
            let mut service = bench.service.borrow_mut();
            (service.limit, service.depth) = (limit, limit);
        }
        bench.work(180.0).await;
        let (used, refused) = bench.work(60.0).await;
        assert!(used >= 0.95, "now {limit}/s: {used:.3} used");
        assert!(refused < 0.01, "now {limit}/s: {refused:.4} refused");
    }
}

#[tokio::test(start_paused = true)]
async fn a_share_of_the_limit_in_the_answers_slows_down_before_the_first_refusal() {
    let mut service = Service::new(50.0);
    (service.reports_usage, service.depth, service.tokens) = (true, 500.0, 500.0);
    let bench = Bench::new(service);
    bench.work(120.0).await;
    assert!(
        bench.service.borrow().refused < 1.0,
        "refused {}",
        bench.service.borrow().refused
    );
    let (used, refused) = bench.work(300.0).await;
    assert!((0.85..1.0).contains(&used), "{used} used");
    assert!(refused < 0.001, "{refused} refused");
}

#[tokio::test(start_paused = true)]
async fn hundred_requests_at_a_ceiling_of_ten_take_about_ten_virtual_seconds() {
    let gate = RateGate::new(Some(10.0));
    let start = Instant::now();
    for _ in 0..100 {
        let permit = gate.pass(None).await.unwrap();
        gate.accepted(&permit, None);
    }
    let seconds = start.elapsed().as_secs_f64();
    assert!((9.9..10.5).contains(&seconds), "{seconds}");
    assert!((gate.rate() - 10.0).abs() < 1e-9);
}

#[tokio::test(start_paused = true)]
async fn without_a_ceiling_a_test_server_is_soon_not_held_back() {
    let gate = RateGate::new(None);
    let start = Instant::now();
    for _ in 0..10_000 {
        let permit = gate.pass(None).await.unwrap();
        gate.accepted(&permit, None);
    }
    assert!(
        start.elapsed() < Duration::from_millis(200),
        "{:?}",
        start.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn a_pause_holds_everybody_and_a_shorter_one_does_not_cut_it() {
    let gate = Rc::new(RateGate::new(Some(1000.0)));
    let permit = gate.pass(None).await.unwrap();
    gate.refused(&permit, Duration::from_secs(30));
    gate.pause(Duration::from_secs(5));
    let start = Instant::now();
    let workers = LocalSet::new();
    for _ in 0..WORKERS {
        let gate = Rc::clone(&gate);
        workers.spawn_local(async move { gate.pass(None).await.unwrap() });
    }
    // A longer pause that begins while they wait counts, too.
    let later = Rc::clone(&gate);
    workers.spawn_local(async move {
        sleep(Duration::from_secs(20)).await;
        later.pause(Duration::from_millis(40_500));
        assert_eq!(later.paused_for(), Some(Duration::from_millis(40_500)));
        later.pass(None).await.unwrap()
    });
    let first = workers
        .run_until(async { gate.pass(None).await.map(|_| start.elapsed()) })
        .await;
    assert!(first.unwrap() >= Duration::from_millis(60_500));
}

#[tokio::test(start_paused = true)]
async fn a_pause_past_the_deadline_ends_the_wait_at_once() {
    let gate = Rc::new(RateGate::new(Some(1.0)));
    let deadline = Some(Instant::now() + Duration::from_mins(1));
    let permit = gate.pass(deadline).await.unwrap();
    let start = Instant::now();
    let workers = LocalSet::new();
    for _ in 0..WORKERS {
        let gate = Rc::clone(&gate);
        workers.spawn_local(async move {
            // Queued at one a second; the pause begins meanwhile.
            let closed = loop {
                if let Err(closed) = gate.pass(deadline).await {
                    break closed;
                }
            };
            assert!(matches!(closed, Closed::Paused(left) if left > Duration::from_secs(90)));
            assert!(start.elapsed() <= Duration::from_millis(1501));
        });
    }
    workers.spawn_local(async move {
        sleep(Duration::from_millis(1500)).await;
        gate.refused(&permit, Duration::from_secs(100));
    });
    workers.await;
}

#[tokio::test(start_paused = true)]
async fn the_deadline_ends_a_wait_for_the_rate() {
    let gate = RateGate::new(Some(0.5));
    let deadline = Some(Instant::now() + Duration::from_secs(5));
    let mut passed = 0;
    let closed = loop {
        match gate.pass(deadline).await {
            Ok(_) => passed += 1,
            Err(closed) => break closed,
        }
    };
    assert_eq!((passed, closed), (3, Closed::Deadline));
}

#[tokio::test(start_paused = true)]
async fn a_pause_of_days_is_not_waited_for_even_without_a_deadline() {
    let gate = RateGate::new(None);
    gate.pause(Duration::from_hours(25));
    assert!(matches!(gate.pass(None).await, Err(Closed::Paused(_))));
}

/// When requests were let through while one in so many is refused, at random.
async fn passes(ceiling: f64, refused: f64, seed: u64) -> Vec<(Instant, Instant)> {
    let (mut dice, until) = (seed, Instant::now() + Duration::from_secs(20));
    let mut roll = move || {
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        f64::from(u32::try_from(dice >> 33).unwrap()) / f64::from(1_u32 << 31)
    };
    let gate = RateGate::new(Some(ceiling));
    let (mut passed, mut paused_until) = (Vec::new(), Instant::now());
    while let Ok(permit) = gate.pass(Some(until)).await {
        passed.push((Instant::now(), paused_until));
        if roll() < refused {
            let pause = Duration::from_secs_f64(3.0 * roll());
            paused_until = paused_until.max(Instant::now() + pause);
            gate.refused(&permit, pause);
        } else {
            sleep(Duration::from_secs_f64(roll() / (4.0 * ceiling))).await;
            gate.accepted(&permit, None);
        }
    }
    passed
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(24))]

    #[test]
    fn no_ceiling_is_exceeded_and_nothing_passes_inside_a_pause(
        ceiling in 0.2..300.0_f64,
        refused in 0.0..0.2_f64,
        seed in proptest::num::u64::ANY,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        let passed = runtime.block_on(passes(ceiling, refused, seed));
        for (at, paused_until) in &passed {
            proptest::prop_assert!(at >= paused_until);
        }
        // One at once, and what may be late by the slack and by a timer's millisecond.
        let most = |seconds: f64| ceiling * (seconds + SLACK_SECONDS + 0.002) + 1.1;
        for (from, (first, _)) in passed.iter().enumerate() {
            for (nth, (last, _)) in passed.iter().skip(from).enumerate().step_by(7) {
                let seconds = (*last - *first).as_secs_f64();
                let count = f64::from(u32::try_from(nth + 1).unwrap());
                proptest::prop_assert!(count <= most(seconds), "{} in {}", count, seconds);
            }
        }
    }
}
