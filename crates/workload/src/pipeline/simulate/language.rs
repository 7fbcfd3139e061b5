//! Language models in the simulation: a prompt, then tokens one after another, as jobs of their engine.

use std::collections::VecDeque;

use super::Simulation;
use super::jobs::Job;
use crate::pipeline::tables::Hold;

/// What a language model is doing.
#[derive(Debug, Default)]
pub struct Language {
    /// When requests came that have not begun.
    requests: VecDeque<f64>,
    /// The request under way: when it came, tokens made, when the last one was.
    current: Option<(f64, u32, f64)>,
}

impl Simulation<'_> {
    /// A request has come.
    pub(super) fn language_request(&mut self, llm: usize) {
        self.languages[llm].requests.push_back(self.now);
        self.language_begin(llm);
    }

    fn language_begin(&mut self, llm: usize) {
        if self.languages[llm].current.is_some() {
            return;
        }
        if let Some(came) = self.languages[llm].requests.pop_front() {
            self.languages[llm].current = Some((came, 0, came));
            self.language_job(llm, true);
        }
        if self.recorder.counts(self.now) {
            self.recorder.run.llms[llm].waiting = self.languages[llm].requests.len() as u64;
        }
    }

    fn language_job(&mut self, llm: usize, prompt: bool) {
        let (of, values) = (&self.of.llms[llm], self.values.llms[llm]);
        let made = self.languages[llm].current.map_or(0, |current| current.1);
        let (alone, bytes) = if prompt {
            (values.prompt, values.prompt_bytes)
        } else {
            let bytes = of.weight_bytes + f64::from(of.prompt + made) * of.kv_bytes;
            (bytes / values.rate, bytes)
        };
        let pieces = if of.hold == Hold::Layer { of.layers.max(1) } else { 1 };
        let last = !prompt && made + 1 >= of.output;
        let job = Job {
            owner: self.of.streams.len() + llm,
            origins: vec![f64::NAN; self.of.sources.len()].into(),
            ready: self.now,
            deadline: f64::INFINITY,
            priority: of.priority,
            alone: alone.max(1e-9),
            bytes,
            left: 1.0,
            stop: 1.0 - 1.0 / f64::from(pieces),
            piece: 1.0 / f64::from(pieces),
            begun: false,
            keeps: of.hold == Hold::Request && !last,
            number: self.number,
        };
        self.number += 1;
        let engine = of.engine;
        self.waiting.push(job);
        // What keeps its engine is put to work by the job that ends; everyone else asks for a place.
        if prompt || of.hold != Hold::Request {
            self.dispatch(engine);
        }
    }

    /// A prompt or a token is done.
    pub(super) fn language_job_done(&mut self, llm: usize) {
        let Some((came, made, before)) = self.languages[llm].current else { return };
        let counts = self.recorder.counts(self.now);
        let (of, run) = (&self.of.llms[llm], &mut self.recorder.run.llms[llm]);
        // The end of a prompt is the first token.
        let made = made + 1;
        if counts {
            run.tokens += 1;
            if made == 1 {
                run.first.push(self.now - came);
            } else {
                run.between.push(self.now - before);
            }
        }
        if made < of.output {
            self.languages[llm].current = Some((came, made, self.now));
            self.language_job(llm, false);
            return;
        }
        self.languages[llm].current = None;
        if of.period.is_none() {
            self.languages[llm].requests.push_back(self.now);
        }
        self.language_begin(llm);
    }
}
