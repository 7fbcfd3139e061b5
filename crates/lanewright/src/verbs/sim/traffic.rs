//! Flags that say what travels, and the traffic that they make.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use lanewright_fabric::collective::{self, Algorithm, Collective, Operation, bandwidth};
use lanewright_fabric::fault::Timeline;
use lanewright_fabric::flow::Ways;
use lanewright_fabric::network::{EdgeId, EndpointId, Network};
use lanewright_fabric::outcome::{End, Outcome};
use lanewright_fabric::route::Routes;
use lanewright_fabric::time::{Rate, Time};
use lanewright_fabric::traffic::connection_matrix::{self, ConnectionMatrix};
use lanewright_fabric::traffic::flow_sizes::FlowSizes;
use lanewright_fabric::traffic::goal;
use lanewright_fabric::traffic::job::{self, Ground, Job};
use lanewright_fabric::traffic::pattern::{Pattern, Plan, Sizes};
use lanewright_fabric::traffic::program::{Lowering, SendDone};
use lanewright_fabric::traffic::rounds::Rounds;
use lanewright_fabric::traffic::{Traffic, When, Work, lockstep};
use lanewright_model::problem::Problems;
use lanewright_model::read::document::TEXT_LIMIT_BYTES;
use lanewright_model::text::Texts;

use super::best::{self, Candidate};
use super::results::Bandwidth;
use super::steps::Steps;
use super::{Refusal, traces, units};
use crate::disk;

/// Options that say what travels.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Traffic")]
pub struct TrafficArgs {
    /// Traffic file: steps in our own form (.toml; `lanewright schema traffic` lists its keys), a connection matrix of
    /// htsim (.cm), programs of ranks in GOAL's text (.goal), or a folder of Chakra traces, one per rank (.et)
    #[arg(long, value_name = "FILE", group = "source")]
    pub traffic: Option<PathBuf>,
    /// Messages by a rule
    #[arg(long, value_enum, group = "source")]
    pub pattern: Option<Rule>,
    /// Collective operation, with its algorithm before it, as in ring-all-reduce, or with `best` to compare them all.
    /// Operations: all-reduce, reduce-scatter, all-gather, all-to-all, broadcast, send-recv. Algorithms: ring, tree,
    /// double-tree, halving-doubling, recursive-doubling, bruck, direct, hierarchical, rail-aware, in-switch
    #[arg(long, value_name = "NAME", value_parser = named, group = "source")]
    pub collective: Option<(Operation, Option<Algorithm>)>,
    /// Algorithm of collectives that a traffic file names without one, such as all-reduce=halving-doubling; may be given
    /// again or joined by commas. Default: ring for all-reduce, reduce-scatter and all-gather, direct for all-to-all and
    /// send-recv, (binomial) tree for broadcast
    #[arg(long, value_name = "OPERATION=ALGORITHM", value_parser = algorithm_of, value_delimiter = ',', requires = "traffic")]
    pub collective_algorithm: Vec<(Operation, Algorithm)>,
    /// Ranks of the collective, or senders of an incast, receivers of an outcast, members of an all-to-all; else all
    /// endpoints, or all accelerators of a system
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(2..))]
    pub ranks: Option<u32>,
    /// Rank r is endpoint r times this; else ranks are spread evenly
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub stride: Option<u32>,
    /// Bytes of a collective as NCCL's tests count them (one rank's buffer of an all-reduce, all parts of a gather; else
    /// 1GiB), or of each message of a pattern (else 2MB)
    #[arg(long, value_name = "SIZE", value_parser = units::bytes)]
    pub bytes: Option<u64>,
    /// Messages of a pattern have sizes of a published distribution
    #[arg(long, value_enum, conflicts_with = "bytes", requires = "pattern")]
    pub flow_sizes: Option<Sizing>,
    /// Messages of the random pattern
    #[arg(long, value_name = "N", default_value_t = 1000)]
    pub messages: u64,
    /// Share of the endpoints' rate that the Poisson pattern offers
    #[arg(long, value_name = "SHARE", default_value = "0.5", value_parser = units::positive)]
    pub load: f64,
    /// How long messages of the Poisson pattern start
    #[arg(long, value_name = "US", default_value = "1000", value_parser = units::microseconds)]
    pub duration_us: Time,
    /// Pieces that follow each other through the collective, or through those of programs and traces
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    pub chunks: u32,
    /// Parallel instances of the collective, or of those of programs and traces, that share its bytes
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    pub channels: u32,
    /// Ranks of a group, for hierarchical and rail-aware algorithms
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..))]
    pub group: u32,
    /// How the groups of hierarchical algorithms work together
    #[arg(long, value_enum, default_value = "ring", value_name = "ALGORITHM")]
    pub outer: Outer,
    /// A step waits until its sender knows of the receipt, as connection matrices do, not for the receipt alone
    #[arg(long)]
    pub acknowledged: bool,
    /// Every step of the collective waits for all ranks' step before
    #[arg(long)]
    pub lockstep: bool,
    /// Flow engine: whether one message of a collective stands for all that are alike. The times are the same; files that
    /// list messages and runs with faults need them one by one
    #[arg(long, value_enum, default_value = "auto", value_name = "WHEN")]
    pub fold: Fold,
}

/// Algorithms between groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Outer {
    /// Along each rail from group to group
    Ring,
    /// In steps of halving distance, then back
    HalvingDoubling,
    /// Each to each on its rail
    Direct,
}

impl From<Outer> for Algorithm {
    fn from(outer: Outer) -> Self {
        match outer {
            Outer::Ring => Self::Ring,
            Outer::HalvingDoubling => Self::HalvingDoubling,
            Outer::Direct => Self::Direct,
        }
    }
}

/// When messages alike are one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Fold {
    /// Above 100,000 messages, where it can be done
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// Messages of a collective above which those alike become one.
const FOLD_ABOVE: u64 = 100_000;

/// Rules by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Rule {
    /// Each to the one half of them further: all cross the core
    Shift,
    /// Each to one other by chance
    Permutation,
    /// The last --ranks of them (else all others) to endpoint 0
    Incast,
    /// Endpoint 0 to the last --ranks of them (else all others)
    Outcast,
    /// The first --ranks of them (else all) each to each
    AllToAll,
    /// Each to its next
    Ring,
    /// --messages, senders and receivers by chance
    Random,
    /// At random times with a --load, for --duration-us
    Poisson,
}

/// Published distributions of sizes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Sizing {
    /// Web search (DCTCP, 2010)
    WebSearch,
    /// Hadoop (Facebook, 2015)
    Hadoop,
    /// Data mining (VL2, 2009)
    DataMining,
}

/// Traffic, and what is known of it.
pub struct Source {
    /// In words.
    pub title: String,
    /// Endpoints that it speaks of.
    pub nodes: Option<u32>,
    what: What,
}

enum What {
    Job(Box<Job>, TrafficArgs),
    Matrix(Box<ConnectionMatrix>, Traffic),
    Programs(u32, Traffic),
    Collective(TrafficArgs, Operation, Option<Algorithm>),
    Pattern(TrafficArgs, Rule),
}

/// What traffic is made for.
pub struct Place<'a> {
    /// The network.
    pub network: &'a Network,
    /// Edges closed from the start.
    pub closed: &'a [EdgeId],
    /// The first so many endpoints may take part in collectives and patterns.
    pub ranks: u32,
    /// Rate of an endpoint's links.
    pub rate: Rate,
    /// Where chance comes from.
    pub seed: u64,
    /// Ways that messages take.
    pub ways: Ways,
    /// Why every message must be followed by itself, if so.
    pub one_by_one: Option<&'static str>,
}

/// Traffic for a network.
pub struct Ready {
    /// The traffic.
    pub traffic: Traffic,
    /// The collective that it is.
    pub collective: Option<Collective>,
    /// The same as rounds of messages alike; the traffic is empty then.
    pub rounds: Option<Rounds>,
    /// What the collective was chosen from.
    pub candidates: Vec<Candidate>,
    /// Steps of a traffic file, and their runs.
    pub steps: Steps,
}

impl From<Traffic> for Ready {
    fn from(traffic: Traffic) -> Self {
        Self { traffic, collective: None, rounds: None, candidates: Vec::new(), steps: Steps::default() }
    }
}

impl Ready {
    /// Endpoints that take part.
    pub fn ends(&self) -> Vec<EndpointId> {
        self.rounds.as_ref().map_or_else(|| ends(&self.traffic), |rounds| rounds.members.clone())
    }
}

impl TrafficArgs {
    /// The messages of a collective, one by one.
    pub fn messages(&self, collective: &Collective) -> Result<Traffic, String> {
        let traffic = collective.traffic().map_err(|error| error.to_string())?;
        if !self.lockstep {
            return Ok(traffic);
        }
        lockstep::lockstep(&traffic, collective.when).map_err(|error| error.to_string())
    }

    /// A collective as rounds, where messages alike are to be one.
    fn rounds(&self, collective: &Collective, place: &Place<'_>) -> Result<Option<Rounds>, String> {
        let wanted = match self.fold {
            Fold::Never => false,
            Fold::Always => true,
            Fold::Auto => collective.messages_about() > FOLD_ABOVE,
        };
        if !wanted {
            return Ok(None);
        }
        collective.check_form().map_err(|error| error.to_string())?;
        let rounds = if place.one_by_one.is_none() { collective.rounds() } else { None };
        if rounds.is_none() && self.fold == Fold::Always {
            let why = place.one_by_one.unwrap_or(
                "only rings, direct and hierarchical algorithms, and halving and doubling among powers of two, in one \
                 chunk and channel, for all-reduce, reduce-scatter and all-gather have messages alike",
            );
            return Err(format!("--fold always: {why}"));
        }
        Ok(rounds.map(|rounds| Rounds { lockstep: self.lockstep, ..rounds }))
    }
}

impl Source {
    /// Reads what the flags name.
    pub fn read(args: &TrafficArgs, texts: &mut Texts, found: &mut Problems) -> Result<Self, Refusal> {
        match (&args.traffic, args.collective) {
            (Some(path), _) => read_file(path, args, texts, found),
            (None, Some((operation, algorithm))) => Ok(Self {
                title: format!("{} {}", algorithm.map_or("best", Algorithm::name), operation.name()),
                nodes: args.ranks,
                what: What::Collective(args.clone(), operation, algorithm),
            }),
            (None, None) => match args.pattern {
                Some(rule) => {
                    let name = rule.to_possible_value().map(|value| value.get_name().to_string());
                    let title = format!("{} pattern", name.unwrap_or_default());
                    Ok(Self { title, nodes: None, what: What::Pattern(args.clone(), rule) })
                }
                None => Err("give the traffic with --traffic FILE, --pattern NAME or --collective NAME".into()),
            },
        }
    }

    /// The traffic on this network.
    pub fn traffic(&self, place: &Place<'_>, found: &mut Problems) -> Result<Ready, Refusal> {
        let (has, ranks) = (place.network.endpoints.len(), place.ranks);
        match &self.what {
            What::Job(job, args) => {
                let algorithm = args.algorithm();
                let ground = Ground {
                    endpoints: ranks,
                    rate: place.rate,
                    seed: place.seed,
                    algorithm: &algorithm,
                    limit: collective::TASK_LIMIT,
                };
                let made = job.traffic(&ground, found).ok_or(Refusal::Problems)?;
                let steps = Steps { steps: made.steps, parts: made.parts };
                Ok(Ready { steps, ..made.traffic.into() })
            }
            What::Matrix(matrix, traffic) => {
                let needs = matrix.nodes as usize;
                if has < needs {
                    return Err(
                        format!("{} has {needs} nodes, but the network only {has} endpoints", self.title).into()
                    );
                }
                Ok(traffic.clone().into())
            }
            What::Programs(needs, traffic) => {
                if ranks < *needs {
                    return Err(
                        format!("{} has {needs} ranks, but the network only {ranks} for them", self.title).into()
                    );
                }
                Ok(traffic.clone().into())
            }
            What::Collective(args, operation, algorithm) => {
                let wanted = args.ranks.unwrap_or(ranks);
                let stride = args.stride.unwrap_or((ranks / wanted.max(1)).max(1));
                if u64::from(wanted.saturating_sub(1)) * u64::from(stride) >= u64::from(ranks) {
                    return Err(format!(
                        "{wanted} ranks, {stride} apart, need more than the {ranks} endpoints there are"
                    )
                    .into());
                }
                let members = (0..wanted).map(|rank| EndpointId(rank * stride)).collect();
                let collective = Collective {
                    chunks: args.chunks,
                    channels: args.channels,
                    group: args.group,
                    outer: args.outer.into(),
                    when: if args.acknowledged { When::Acknowledged } else { When::Delivered },
                    ..Collective::new(
                        *operation,
                        algorithm.unwrap_or(operation.algorithms()[0]),
                        members,
                        args.bytes.unwrap_or(1 << 30),
                    )
                };
                let (collective, candidates) = match algorithm {
                    Some(_) => (collective, Vec::new()),
                    None => best::choose(&collective, place)?,
                };
                if let Some(rounds) = args.rounds(&collective, place)? {
                    let ready = Ready::from(Traffic::default());
                    return Ok(Ready { collective: Some(collective), rounds: Some(rounds), candidates, ..ready });
                }
                let traffic = args.messages(&collective)?;
                Ok(Ready { collective: Some(collective), candidates, ..traffic.into() })
            }
            What::Pattern(args, rule) => Ok(pattern(args, *rule, place)?.into()),
        }
    }

    /// What is down from the start.
    pub fn faults(&self, network: &Network) -> Result<Timeline, String> {
        match &self.what {
            What::Matrix(matrix, _) => matrix.faults(network).map_err(|why| format!("{}: {why}", self.title)),
            What::Job(..) | What::Programs(..) | What::Collective(..) | What::Pattern(..) => Ok(Timeline::default()),
        }
    }
}

fn pattern(args: &TrafficArgs, rule: Rule, place: &Place<'_>) -> Result<Traffic, String> {
    let others = place.ranks.saturating_sub(1);
    let pattern = match rule {
        Rule::Shift => Pattern::Shift { by: place.ranks / 2 },
        Rule::Permutation => Pattern::Permutation,
        Rule::Incast => Pattern::Incast { senders: args.ranks.unwrap_or(others), to: 0 },
        Rule::Outcast => Pattern::Outcast { from: 0, receivers: args.ranks.unwrap_or(others) },
        Rule::AllToAll => Pattern::AllToAll { ranks: args.ranks.unwrap_or(place.ranks) },
        Rule::Ring => Pattern::Ring,
        Rule::Random => Pattern::Random { messages: args.messages },
        Rule::Poisson => Pattern::Poisson { load: args.load, rate: place.rate, time: args.duration_us },
    };
    let sizes = match args.flow_sizes {
        None => Sizes::Fixed(args.bytes.unwrap_or(2_000_000)),
        Some(Sizing::WebSearch) => Sizes::Drawn(FlowSizes::WebSearch),
        Some(Sizing::Hadoop) => Sizes::Drawn(FlowSizes::Hadoop),
        Some(Sizing::DataMining) => Sizes::Drawn(FlowSizes::DataMining),
    };
    let plan = Plan { pattern, endpoints: place.ranks, sizes, start: Time::ZERO, seed: place.seed };
    plan.traffic().map_err(|error| error.to_string())
}

/// Bandwidth of a collective that is done.
pub fn bandwidth(collective: &Collective, outcome: &Outcome) -> Option<Bandwidth> {
    if outcome.stopped {
        return None;
    }
    let ranks = collective.members.len();
    let end = match collective.when {
        When::Delivered => End::Delivered,
        When::Acknowledged => End::Acknowledged,
    };
    let found = bandwidth::bandwidth(collective.operation, ranks, collective.bytes, outcome.makespan(end))?;
    Some(Bandwidth {
        collective: format!("{} {}", collective.algorithm.name(), collective.operation.name()),
        ranks: ranks as u64,
        bytes: collective.bytes,
        algbw: found.algbw,
        busbw: found.busbw,
    })
}

/// A collective by name; `best` stands for any algorithm.
fn named(name: &str) -> Result<(Operation, Option<Algorithm>), String> {
    match name.strip_prefix("best-") {
        Some(operation) => collective::parse(operation).map(|(operation, _)| (operation, None)),
        None => collective::parse(name).map(|(operation, algorithm)| (operation, Some(algorithm))),
    }
}

/// `all-reduce=ring`.
fn algorithm_of(text: &str) -> Result<(Operation, Algorithm), String> {
    let Some((operation, algorithm)) = text.split_once('=') else {
        return Err("an operation and its algorithm are expected, as in all-reduce=ring".into());
    };
    collective::parse(&format!("{}-{}", algorithm.trim(), operation.trim()))
}

impl TrafficArgs {
    /// The algorithm of collectives that a file names without one.
    pub fn algorithm(&self) -> impl Fn(Operation, usize, u64) -> Algorithm {
        let chosen = self.collective_algorithm.clone();
        move |operation, ranks, bytes| {
            let own = chosen.iter().rev().find(|(of, _)| *of == operation).map(|(_, algorithm)| *algorithm);
            own.unwrap_or_else(|| Lowering::usual(operation, ranks, bytes))
        }
    }

    /// What else flags say of such collectives.
    pub fn template(&self) -> Collective {
        Collective {
            chunks: self.chunks,
            channels: self.channels,
            group: self.group,
            ..Collective::new(Operation::AllReduce, Algorithm::Ring, Vec::new(), 0)
        }
    }
}

fn read_file(path: &Path, args: &TrafficArgs, texts: &mut Texts, found: &mut Problems) -> Result<Source, Refusal> {
    let name = path.display().to_string();
    let mut title = name.clone();
    let ending = path.extension().map(|ending| ending.to_string_lossy().to_lowercase()).unwrap_or_default();
    let (nodes, what) = if path.is_dir() {
        let (ranks, traffic) = traces::read(path, args, found)?;
        (Some(ranks), What::Programs(ranks, traffic))
    } else {
        let read = |limit: usize| disk::read_at_most(path, limit).map_err(|why| format!("cannot read {name}: {why}"));
        match ending.as_str() {
            "toml" => {
                let file = texts.add(name.clone(), read(TEXT_LIMIT_BYTES)?);
                let job = job::read(file, texts, found);
                found.sort();
                let Some(job) = job else { return Err(Refusal::Problems) };
                if let Some(job) = &job.name {
                    title = format!("{job} ({name})");
                }
                (job.ranks, What::Job(Box::new(job), args.clone()))
            }
            "cm" => {
                let file = texts.add(name.clone(), read(connection_matrix::CM_LIMIT_BYTES)?);
                let matrix = connection_matrix::read(file, texts, found);
                found.sort();
                let Some((matrix, traffic)) = matrix else { return Err(Refusal::Problems) };
                (Some(matrix.nodes), What::Matrix(Box::new(matrix), traffic))
            }
            "goal" => {
                let file = texts.add(name.clone(), read(goal::GOAL_LIMIT_BYTES)?);
                let programs = goal::read(file, texts, found);
                found.sort();
                let Some(programs) = programs else { return Err(Refusal::Problems) };
                // A send is done for its program when it has begun, as in LogGOPSim's eager messages.
                let how = Lowering {
                    send_done: SendDone::Begun,
                    algorithm: &args.algorithm(),
                    template: Some(args.template()),
                };
                match programs.programs.traffic(&how) {
                    Ok((traffic, _)) => {
                        (Some(programs.programs.ranks), What::Programs(programs.programs.ranks, traffic))
                    }
                    Err(errors) => {
                        errors.iter().for_each(|error| found.push(programs.problem(error)));
                        return Err(Refusal::Problems);
                    }
                }
            }
            "et" => {
                return Err(format!(
                    "{name} is the trace of one rank\n  help: give the folder that holds all ranks' traces: --traffic {}",
                    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new(".")).display()
                )
                .into());
            }
            _ => {
                return Err(format!(
                    "the form of {name} is not known\n  help: the name of a file of steps ends in .toml, that of a connection \
                     matrix in .cm, that of GOAL programs in .goal; Chakra traces are a folder of .et files"
                )
                .into());
            }
        }
    };
    Ok(Source { title, nodes, what })
}

/// Endpoints that something is sent to, each once. Acknowledgements go back, so senders are among them.
pub fn ends(traffic: &Traffic) -> Vec<EndpointId> {
    let mut named: Vec<bool> = Vec::new();
    let mut name = |endpoint: EndpointId| {
        if named.len() <= endpoint.index() {
            named.resize(endpoint.index() + 1, false);
        }
        named[endpoint.index()] = true;
    };
    for task in &traffic.tasks {
        match task.work {
            Work::Message { from, to, .. } => [from, to].into_iter().for_each(&mut name),
            Work::InNetwork { group, .. } => {
                let members = traffic.multicasts.get(group as usize).map_or(&[][..], |group| &group.members);
                members.iter().copied().for_each(&mut name);
            }
            Work::Delay { .. } => {}
        }
    }
    (0..named.len() as u32).map(EndpointId).filter(|endpoint| named[endpoint.index()]).collect()
}

/// Whether every message has a way, and its acknowledgement one back.
pub fn reachable(network: &Network, routes: &Routes, traffic: &Traffic) -> Result<(), String> {
    // Most senders send to few: the last destination of each need not be asked for again.
    let mut last: Vec<Option<EndpointId>> = vec![None; network.endpoints.len()];
    for task in &traffic.tasks {
        let Work::Message { from, to, .. } = task.work else { continue };
        if last[from.index()].replace(to) != Some(to)
            && !(routes.reaches(network, from, to) && routes.reaches(network, to, from))
        {
            return Err(format!(
                "no way leads from endpoint {} ({}) to endpoint {} ({})",
                from.0,
                network.name(network.node_of(from)),
                to.0,
                network.name(network.node_of(to))
            ));
        }
    }
    Ok(())
}
