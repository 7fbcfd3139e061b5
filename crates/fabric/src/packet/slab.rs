//! States of tasks under way: memory for those alone, however many tasks there are.

use super::pool::NONE;

/// Its task is over.
const OVER: u32 = NONE - 1;

/// Values by task.
#[derive(Debug)]
pub(super) struct Slab<T> {
    places: Vec<u32>,
    values: Vec<Option<T>>,
    free: Vec<u32>,
}

impl<T> Slab<T> {
    /// None yet of so many tasks.
    pub(super) fn new(tasks: usize) -> Self {
        Self { places: vec![NONE; tasks], values: Vec::new(), free: Vec::new() }
    }

    /// A task's value while it is under way.
    #[inline]
    pub(super) fn get_mut(&mut self, task: u32) -> Option<&mut T> {
        self.values.get_mut(self.places[task as usize] as usize)?.as_mut()
    }

    /// Whether its task is over.
    #[inline]
    pub(super) fn is_over(&self, task: u32) -> bool {
        self.places[task as usize] == OVER
    }

    /// A task begins.
    pub(super) fn insert(&mut self, task: u32, value: T) {
        let place = self.free.pop().unwrap_or_else(|| {
            self.values.push(None);
            self.values.len() as u32 - 1
        });
        self.values[place as usize] = Some(value);
        self.places[task as usize] = place;
    }

    /// Every task takes the place of another; of none where that is over.
    pub(super) fn rename(&mut self, origins: &[u32]) {
        let places = std::mem::take(&mut self.places);
        self.places = origins.iter().map(|origin| places.get(*origin as usize).copied().unwrap_or(OVER)).collect();
    }

    /// A task is over.
    pub(super) fn remove(&mut self, task: u32) {
        let place = std::mem::replace(&mut self.places[task as usize], OVER);
        if let Some(value) = self.values.get_mut(place as usize) {
            *value = None;
            self.free.push(place);
        }
    }
}
