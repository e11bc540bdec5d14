//! The simulation's own thread. The picture gives orders and looks at films; neither waits for the other.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, SendError, Sender, TryRecvError, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use crate::live::{Bench, Live, Order};
use crate::run::{End, Run};

/// Steps between two looks for new orders.
const STEPS: usize = 8;

/// Where orders go and runs come from. A run is simulated as fast as the machine allows; the newest order wins.
pub struct Desk {
    orders: Sender<(u64, Order)>,
    board: Arc<Mutex<Board>>,
    given: u64,
}

/// What the thread tells.
#[derive(Clone, Default)]
pub struct Board {
    /// The newest run that could be set up.
    pub run: Option<Arc<Run>>,
    /// What is wrong with the last order, if anything. The run before it stays.
    pub problem: Option<String>,
    /// How many orders have been answered, with a run or a problem.
    pub answered: u64,
}

impl Desk {
    /// Opens it.
    pub fn open() -> Desk {
        let (orders, incoming) = channel();
        let board = Arc::new(Mutex::new(Board::default()));
        let own = Arc::clone(&board);
        // Named, so that it can be told from the picture's threads.
        let simulation = thread::Builder::new().name("simulation".into());
        let begun = simulation.spawn(move || {
            if catch_unwind(AssertUnwindSafe(|| work(&incoming, &own))).is_err() {
                broke_off(&own);
            }
        });
        if begun.is_err() {
            broke_off(&board);
        }
        Desk {
            orders,
            board,
            given: 0,
        }
    }

    /// Asks for a run; what goes on is dropped.
    pub fn order(&mut self, order: Order) {
        if let Err(unsent) = self.orders.send((self.given + 1, order)) {
            // The thread has died, as its board tells: another one takes over.
            let SendError((_, order)) = unsent;
            *self = Desk::open();
            let _ = self.orders.send((1, order));
        }
        self.given += 1;
    }

    /// What there is to see.
    pub fn board(&self) -> Board {
        self.board
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Whether the last order waits for its answer.
    pub fn is_setting_up(&self) -> bool {
        self.board().answered < self.given
    }
}

fn broke_off(board: &Mutex<Board>) {
    let mut board = board.lock().unwrap_or_else(PoisonError::into_inner);
    let said = "the simulation broke off by a fault of the program, which is told on the terminal";
    board.problem = Some(said.into());
    board.answered = u64::MAX;
}

fn work(incoming: &Receiver<(u64, Order)>, board: &Mutex<Board>) {
    let tell = |change: &mut dyn FnMut(&mut Board)| {
        change(&mut board.lock().unwrap_or_else(PoisonError::into_inner))
    };
    let mut bench = Bench::default();
    let mut waiting = incoming.recv().ok();
    while let Some((mut number, mut order)) = waiting {
        while let Ok(newer) = incoming.try_recv() {
            (number, order) = newer;
        }
        waiting = match bench.set_up(&order) {
            Err(problem) => {
                tell(&mut |board| {
                    board.problem = Some(format!("{problem:#}"));
                    board.answered = number;
                });
                incoming.recv().ok()
            }
            Ok(mut live) => {
                tell(&mut |board| {
                    board.run = Some(Arc::clone(live.run()));
                    board.problem = None;
                    board.answered = number;
                });
                go_on(&mut live, order.until_s, incoming)
            }
        };
    }
}

/// Steps to the end, or as far as is wanted, or until another order comes, which is returned; `None` where nobody is left to give one.
fn go_on(
    live: &mut Live,
    until_s: Option<f64>,
    incoming: &Receiver<(u64, Order)>,
) -> Option<(u64, Order)> {
    loop {
        if until_s.is_some_and(|until_s| live.run().recorded().0 >= until_s) {
            let newer = incoming.recv().ok();
            live.stop(End::Dropped);
            return newer;
        }
        for _ in 0..STEPS {
            if !live.step() {
                return incoming.recv().ok();
            }
        }
        match incoming.try_recv() {
            Err(TryRecvError::Empty) => {}
            Ok(newer) => {
                live.stop(End::Dropped);
                return Some(newer);
            }
            Err(TryRecvError::Disconnected) => {
                live.stop(End::Dropped);
                return None;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, Instant};

    fn wait(what: &str, mut until: impl FnMut() -> bool) {
        let start = Instant::now();
        while !until() {
            assert!(
                start.elapsed() < Duration::from_secs(300),
                "waited for {what}"
            );
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// What nobody looks at is not simulated: the thread rests, and the next order finds it awake.
    #[test]
    fn a_run_goes_no_further_than_is_wanted() {
        let path = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../scenes/checks/knead_turns.toml"
        );
        let order = |until_s| Order {
            path: path.into(),
            until_s,
            ..Order::default()
        };
        let mut desk = Desk::open();
        desk.order(order(Some(0.5)));
        wait("the run", || desk.board().run.is_some());
        let first = desk.board().run.unwrap();
        wait("half a second", || first.recorded().0 >= 0.5);
        thread::sleep(Duration::from_millis(300));
        // Eight steps of 2 ms at most beyond it.
        assert!(first.recorded().0 < 0.55, "{:?}", first.recorded());
        desk.order(order(None));
        wait("the next run", || !desk.is_setting_up());
        let second = desk.board().run.unwrap();
        wait("more", || second.recorded().0 > 1.0);
        assert!(!first.recorded().1, "the first one has ended");
    }

    /// A broken scene is told and the last good run stays; the next good one takes over.
    #[test]
    fn a_broken_scene_keeps_the_last_good_one() {
        let folder = tempfile::tempdir().unwrap();
        let shipped = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../scenes/checks/knead_turns.toml"
        );
        let text = std::fs::read_to_string(shipped).unwrap();
        let mechanism = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../scenes/mechanisms/wobble_carriage.toml"
        );
        let text = text.replace("../mechanisms/wobble_carriage.toml", mechanism);
        let path = folder.path().join("mine.toml");
        let order = Order {
            path: path.clone(),
            ..Order::default()
        };
        let mut desk = Desk::open();

        std::fs::write(&path, &text).unwrap();
        desk.order(order.clone());
        wait("the first run", || !desk.is_setting_up());
        let first = desk.board().run.expect("a run");
        assert_eq!(desk.board().problem, None);

        std::fs::write(&path, text.replace("recline_deg = 45", "recline_deg = 450")).unwrap();
        desk.order(order.clone());
        wait("the problem", || !desk.is_setting_up());
        let board = desk.board();
        let problem = board.problem.expect("a problem");
        assert!(
            problem.contains("recline_deg") && problem.contains("450"),
            "{problem}"
        );
        assert!(Arc::ptr_eq(&board.run.unwrap(), &first));

        std::fs::write(&path, text.replace("recline_deg = 45", "recline_deg = 30")).unwrap();
        desk.order(order);
        wait("the second run", || !desk.is_setting_up());
        let board = desk.board();
        assert_eq!(board.problem, None);
        let second = board.run.unwrap();
        assert!((second.furniture.recline_rad - 30f64.to_radians()).abs() < 1e-12);
        wait("the first moment", || second.recorded().0 > 0.1);
    }
}
