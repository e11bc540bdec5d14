//! What has been built once, by what it was built from.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// A bounded store of values by content, shared by threads.
///
/// A value depends on nothing but its key, so neither the order of requests nor what has been thrown away changes a result: it is
/// built again. Two threads that ask for the same one wait for one build; others are not held up.
#[derive(Debug)]
pub(crate) struct Shelf<K, V> {
    held: Mutex<Held<K, V>>,
    weight_max: usize,
    weigh: fn(&V) -> usize,
}

type Slot<V> = Arc<OnceLock<Arc<V>>>;

#[derive(Debug)]
struct Held<K, V> {
    entries: Vec<Entry<K, V>>,
    requests: u64,
}

#[derive(Debug)]
struct Entry<K, V> {
    key: K,
    slot: Slot<V>,
    /// Number of the last request for it.
    used: u64,
}

impl<K: PartialEq, V> Shelf<K, V> {
    /// Holds values of `weight_max` in all, as `weigh` weighs them. When one more is built the least recently asked for go first;
    /// the newest stays, however heavy.
    pub fn new(weight_max: usize, weigh: fn(&V) -> usize) -> Shelf<K, V> {
        Shelf {
            held: Mutex::new(Held {
                entries: Vec::new(),
                requests: 0,
            }),
            weight_max,
            weigh,
        }
    }

    /// The value of a key, built where it is not at hand.
    pub fn get(&self, key: K, build: impl FnOnce() -> V) -> Arc<V> {
        let slot = self.slot(key);
        let mut built = false;
        let value = Arc::clone(slot.get_or_init(|| {
            built = true;
            Arc::new(build())
        }));
        if built {
            self.tidy();
        }
        value
    }

    /// Weight of what is held now.
    pub fn weight(&self) -> usize {
        self.lock().entries.iter().map(|e| self.weight_of(e)).sum()
    }

    fn slot(&self, key: K) -> Slot<V> {
        let mut held = self.lock();
        held.requests += 1;
        let now = held.requests;
        if let Some(entry) = held.entries.iter_mut().find(|e| e.key == key) {
            entry.used = now;
            return Arc::clone(&entry.slot);
        }
        let slot = Slot::default();
        held.entries.push(Entry {
            key,
            slot: Arc::clone(&slot),
            used: now,
        });
        slot
    }

    fn tidy(&self) {
        let mut held = self.lock();
        let mut weight: usize = held.entries.iter().map(|e| self.weight_of(e)).sum();
        while weight > self.weight_max && held.entries.len() > 1 {
            let Some(oldest) = (0..held.entries.len()).min_by_key(|i| held.entries[*i].used) else {
                break;
            };
            let gone = held.entries.swap_remove(oldest);
            weight -= self.weight_of(&gone);
        }
    }

    /// What is still being built weighs nothing yet.
    fn weight_of(&self, entry: &Entry<K, V>) -> usize {
        entry.slot.get().map_or(0, |v| (self.weigh)(v))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Held<K, V>> {
        // No code of a caller runs under the lock, so what a panic leaves behind is whole.
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    /// Three values of weight 10 on a shelf for 20: the one that was asked for least recently is built again, the others are not.
    #[test]
    fn a_full_shelf_forgets_what_was_asked_for_least_recently() {
        let shelf = Shelf::new(20, |_: &u32| 10);
        let builds = Cell::new(0);
        let get = |key: u32| {
            *shelf.get(key, || {
                builds.set(builds.get() + 1);
                10 * key
            })
        };
        assert_eq!([1, 2, 1, 3, 1].map(get), [10, 20, 10, 30, 10]);
        assert_eq!((builds.get(), shelf.weight()), (3, 20));
        assert_eq!((get(2), builds.get(), shelf.weight()), (20, 4, 20));
    }

    #[test]
    fn a_value_too_heavy_for_the_shelf_is_still_given() {
        let shelf = Shelf::new(5, |v: &usize| *v);
        assert_eq!(*shelf.get('a', || 9), 9);
        assert_eq!((*shelf.get('b', || 4), shelf.weight()), (4, 4));
    }
}
