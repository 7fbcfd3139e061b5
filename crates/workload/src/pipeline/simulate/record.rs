//! What a run leaves behind: samples of chains, counts of stages, use of engines and memory, and a window for drawings.

use serde::Serialize;

use crate::pipeline::checked::{Pipeline, Sink};

/// What a run has found. Nothing of the warm-up is in it.
#[derive(Clone, Debug)]
pub struct Run {
    /// Seconds that were counted.
    pub seconds: f64,
    /// By chain.
    pub chains: Vec<ChainRun>,
    /// By stage.
    pub stages: Vec<StageRun>,
    /// By engine: seconds of all its servers at work.
    pub busy: Vec<f64>,
    /// By engine: of them, seconds that memory cost.
    pub stalled: Vec<f64>,
    /// Bytes that jobs moved (without the steady traffic).
    pub bytes: f64,
    /// By language model.
    pub llms: Vec<LlmRun>,
    /// By display.
    pub displays: Vec<DisplayRun>,
    /// Begin and end of the window, s.
    pub window: (f64, f64),
    /// What ran in the window.
    pub spans: Vec<Span>,
    /// Memory traffic in the window: from a time on, bytes per second moved and asked for, steady traffic included.
    pub traffic: Vec<(f64, f64, f64)>,
}

/// A chain's samples.
#[derive(Clone, Debug, Default)]
pub struct ChainRun {
    /// Latencies, s, rising once the run is over.
    pub latencies: Vec<f64>,
    /// Age of what the sink works with just before something newer comes, s, rising once the run is over.
    pub ages: Vec<f64>,
    /// Integral of the age over time, and that time.
    age_area: (f64, f64),
}

impl ChainRun {
    /// Mean age over time, s.
    pub fn mean_age(&self) -> Option<f64> {
        (self.age_area.1 > 0.0).then(|| self.age_area.0 / self.age_area.1)
    }
}

/// The value below which so large a share of rising values lies (nearest rank).
pub fn rank(rising: &[f64], share: f64) -> Option<f64> {
    let at = (share * rising.len() as f64).ceil().max(1.0) as usize;
    rising.get(at.min(rising.len()).checked_sub(1)?).copied()
}

/// A stage's counts.
#[derive(Clone, Debug, Default)]
pub struct StageRun {
    /// Frames that came to it.
    pub came: u64,
    /// Jobs done.
    pub done: u64,
    /// Frames that were lost because it was busy.
    pub dropped: u64,
    /// Jobs that took longer than their deadline.
    pub missed: u64,
    /// From arrival to end, s, rising once the run is over.
    pub responses: Vec<f64>,
    /// Whether so many frames waited that some were lost although none should be.
    pub flooded: bool,
}

/// A language model's counts.
#[derive(Clone, Debug, Default)]
pub struct LlmRun {
    /// Tokens made.
    pub tokens: u64,
    /// From request to first token, s, rising once the run is over.
    pub first: Vec<f64>,
    /// Between tokens, s, rising once the run is over.
    pub between: Vec<f64>,
    /// Requests still waiting at the end.
    pub waiting: u64,
}

/// A display's counts.
#[derive(Clone, Debug, Default, Serialize)]
pub struct DisplayRun {
    /// Pictures.
    pub pictures: u64,
    /// Pictures that showed the frame before again.
    pub repeated: u64,
    /// Frames that were never shown.
    pub unseen: u64,
}

/// Something at work.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Span {
    /// Where.
    pub lane: Lane,
    /// Which of it.
    pub place: usize,
    /// Stream, or streams' number plus the language model's.
    pub owner: usize,
    /// From, s.
    pub from: f64,
    /// To, s.
    pub to: f64,
}

/// Where something is at work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum Lane {
    /// A camera that exposes and reads out.
    Instance(usize),
    /// An engine.
    Engine(usize),
}

/// Most spans and points that a window keeps.
const KEPT: usize = 6000;

/// Takes notes of a run.
pub struct Recorder {
    /// What it has so far.
    pub run: Run,
    /// From when on things count.
    pub from: f64,
    /// What a chain's sink shows: by chain and output, the photon time and since when.
    shown: Vec<Vec<Option<(f64, f64)>>>,
}

impl Recorder {
    /// For a run.
    pub fn new(of: &Pipeline) -> Self {
        let from = of.warm_up;
        let slowest = of.instances.iter().map(|at| of.sources[*at].period).chain(of.streams.iter().map(|s| s.period));
        let width = (4.0 * slowest.fold(0.0, f64::max)).clamp(0.04, 0.5);
        let outputs = |sink| match sink {
            Sink::Stage(stage) => of.stages[stage].streams.len(),
            Sink::Display(_) => 1,
        };
        Self {
            from,
            shown: of.chains.iter().map(|chain| vec![None; outputs(chain.sink)]).collect(),
            run: Run {
                seconds: of.seconds,
                chains: vec![ChainRun::default(); of.chains.len()],
                stages: vec![StageRun::default(); of.stages.len()],
                busy: vec![0.0; of.engines.len()],
                stalled: vec![0.0; of.engines.len()],
                bytes: 0.0,
                llms: vec![LlmRun::default(); of.llms.len()],
                displays: vec![DisplayRun::default(); of.displays.len()],
                window: (from, from + width.min(of.seconds)),
                spans: Vec::new(),
                traffic: Vec::new(),
            },
        }
    }

    /// Whether something at this time counts.
    pub fn counts(&self, at: f64) -> bool {
        at >= self.from
    }

    /// Something has reached the sink of a chain: light of `photon` is there at `at`.
    pub fn reached(&mut self, chain: usize, output: usize, photon: f64, at: f64) {
        if photon.is_nan() {
            return;
        }
        let counts = self.counts(at);
        let (run, shown) = (&mut self.run.chains[chain], &mut self.shown[chain][output]);
        if counts {
            run.latencies.push(at - photon);
            if let Some((before, since)) = *shown {
                run.ages.push(at - before);
                let since = since.max(self.from);
                run.age_area.0 += ((at - before).powi(2) - (since - before).powi(2)) / 2.0;
                run.age_area.1 += at - since;
            }
        }
        *shown = Some((photon, at));
    }

    /// Notes a span of work, if it lies in the window.
    pub fn span(&mut self, span: Span) {
        let (from, to) = self.run.window;
        if span.to > from && span.from < to && self.run.spans.len() < KEPT {
            self.run.spans.push(Span { from: span.from.max(from), to: span.to.min(to), ..span });
        }
    }

    /// Notes memory traffic from a time on.
    pub fn traffic(&mut self, at: f64, moved: f64, asked: f64) {
        let traffic = &mut self.run.traffic;
        if at >= self.run.window.1 || traffic.len() >= KEPT {
            return;
        }
        // What came before the window is kept as its first value alone.
        if at <= self.run.window.0 {
            traffic.clear();
        }
        let at = at.max(self.run.window.0);
        match traffic.last_mut() {
            Some(last) if last.0 == at => *last = (at, moved, asked),
            _ => traffic.push((at, moved, asked)),
        }
    }

    /// The notes, sorted.
    pub fn finish(mut self) -> Run {
        let sort = |values: &mut Vec<f64>| values.sort_by(f64::total_cmp);
        for chain in &mut self.run.chains {
            sort(&mut chain.latencies);
            sort(&mut chain.ages);
        }
        for stage in &mut self.run.stages {
            sort(&mut stage.responses);
        }
        for llm in &mut self.run.llms {
            sort(&mut llm.first);
            sort(&mut llm.between);
        }
        self.run
    }
}
