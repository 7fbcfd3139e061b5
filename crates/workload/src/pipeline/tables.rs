//! The pipeline file as written: every table with every key, places kept. Units are in the names of keys.

use lanewright_model::text::Placed;
use lanewright_model::{record, words};

use super::forms::Range;

words! {
    /// What an engine is made for.
    pub enum EngineKind ("kind of engine") {
        /// Image signal processor: raw frames to images.
        Isp = "isp",
        /// Engine for neural networks (vector processor, DLA, NPU).
        Nn = "nn",
        /// Graphics processor.
        Gpu = "gpu",
        /// Signal processor.
        Dsp = "dsp",
        /// A core of the host processor.
        Cpu = "cpu",
        /// Geometric distortion correction, scaling, blending.
        Warp = "warp",
        /// Video encoder.
        Encoder = "encoder",
        /// Video decoder, or a network that takes time.
        Decoder = "decoder",
    }

    /// Which waiting job an engine takes next.
    pub enum Order ("order") {
        /// The highest priority, then the earliest.
        Priority = "priority",
        /// The earliest deadline, then the earliest.
        Deadline = "deadline",
        /// The earliest.
        Arrival = "arrival",
    }

    /// How rows of a sensor are exposed.
    pub enum Shutter ("shutter") {
        /// Row after row.
        Rolling = "rolling",
        /// All at once.
        Global = "global",
    }

    /// When the cameras of a table start their frames.
    pub enum Phase ("phase") {
        /// All at once.
        Together = "together",
        /// Evenly over a frame.
        Even = "even",
        /// Each at a time of its own, drawn by chance.
        Random = "random",
    }

    /// What becomes of a frame that finds its stage busy.
    pub enum Late ("way with late frames") {
        /// The new frame is lost.
        DropNewest = "drop-newest",
        /// The frame that waits longest is lost: the freshest is worked on.
        DropOldest = "drop-oldest",
        /// All wait.
        Queue = "queue",
    }

    /// How pixels lie in memory.
    pub enum Layout ("format") {
        /// Packed raw pixels with the bits of the camera.
        Raw = "raw",
        /// 8 bits, colour at a quarter of the pixels: 12 bits a pixel.
        Yuv420 = "yuv420",
        /// 10 bits in 16, colour at a quarter of the pixels: 24 bits a pixel.
        Yuv42010 = "yuv420-10",
        /// 8 bits, colour at half of the pixels: 16 bits a pixel.
        Yuv422 = "yuv422",
        /// Three times 8 bits.
        Rgb = "rgb",
        /// Four times 8 bits, as displays read it.
        Rgba = "rgba",
        /// One byte.
        Grey = "grey",
    }

    /// How long a language model keeps its engine.
    pub enum Hold ("hold") {
        /// A layer at a time.
        Layer = "layer",
        /// A token at a time.
        Token = "token",
        /// From the first token of a request to its last: others wait for all of it.
        Request = "request",
    }

    /// Rules that a chain can be held to.
    pub enum Rule ("rule") {
        /// Camera monitor systems in place of mirrors: 200 ms of latency, 55 ms of image formation, 30 Hz.
        Cms = "cms",
    }
}

record! {
    /// A pipeline file: an edge system on a chip, what its engines are, and what cameras make them do.
    pub struct PipelineFile {
        /// What it is.
        pipeline: opt PipelineTable,
        /// The system on a chip.
        soc: req Placed<SocTable>,
        /// Engines that do one job at a time each.
        engine: list Placed<EngineTable>,
        /// Cameras.
        camera: list Placed<CameraTable>,
        /// Other sources that send data at a rate of their own: radars, lidars.
        sensor: list Placed<SensorTable>,
        /// Work on frames.
        stage: list Placed<StageTable>,
        /// Language models that share the engines and the memory.
        llm: list Placed<LlmTable>,
        /// Displays, with clocks of their own.
        display: list Placed<DisplayTable>,
        /// From a camera to a stage or display: what is measured and held to limits.
        chain: list Placed<ChainTable>,
    }

    /// What the pipeline is.
    pub struct PipelineTable {
        /// Its name in results.
        name: opt String,
        /// In a sentence or two.
        description: opt String,
        /// What had to be assumed.
        assumptions: list String,
        /// Simulated time, seconds.
        seconds: def f64 = 20.0,
        /// Time before anything is counted, seconds.
        warm_up_s: def f64 = 1.0,
    }

    /// The system on a chip: a part of the catalogue, with figures of your own over it.
    pub struct SocTable {
        /// Part of the catalogue: "ambarella/cv72".
        part: opt Placed<String>,
        /// Memory bandwidth at its peak, GB/s; else the part's.
        dram_gb_s: opt Placed<Range>,
        /// Share of the peak that mixed traffic gets; else 0.65 to 0.85.
        dram_efficiency: opt Placed<Range>,
        /// Energy of memory traffic with its interface, pJ per bit; else 4 to 8.
        dram_pj_per_bit: opt Placed<Range>,
        /// Power of everything that is no engine and no memory traffic, W; without it, and without watts of engines, power
        /// follows from the part's figure.
        base_w: opt Placed<Range>,
        /// Sustained vision operations per vendor's equivalent TOPS (eTOPS); else an estimate with a wide band.
        per_etops: opt Placed<Range>,
    }

    /// Engines that are alike.
    pub struct EngineTable {
        /// Name for stages.
        id: req Placed<String>,
        /// What it is made for.
        kind: req EngineKind,
        /// How many.
        count: def u32 = 1,
        /// Whether a running job stops at once for a more urgent one; else it runs to its end, or to the end of a piece.
        preemptive: def bool = false,
        /// Which waiting job is next.
        order: opt Order,
        /// Pixels per second of each, millions.
        mpix_s: opt Placed<Range>,
        /// Dense 8-bit operations per second of each, TOP/s (a multiply-add is two); else its share of the part's.
        tops: opt Placed<Range>,
        /// Share of the part's arithmetic that each has.
        share: def f64 = 1.0,
        /// Share of the dense rate that networks get; else from measured networks.
        efficiency: opt Placed<Range>,
        /// Memory of its own that layers of networks stay in, MB; a few are usual (general knowledge).
        sram_mb: def f64 = 4.0,
        /// Most memory bandwidth of each, GB/s; else the whole.
        dram_gb_s: opt f64,
        /// Whether memory serves it first.
        realtime: def bool = false,
        /// Power at work, W each.
        active_w: opt Range,
        /// Power at rest, W each.
        idle_w: opt Range,
    }

    /// Cameras that are alike.
    pub struct CameraTable {
        /// Name for stages.
        id: req Placed<String>,
        /// Part of the catalogue: gives size and rate where they are not given here.
        part: opt Placed<String>,
        /// How many.
        count: def u32 = 1,
        /// Pixels across.
        width: opt Placed<u32>,
        /// Pixels down.
        height: opt Placed<u32>,
        /// Bits of a raw pixel.
        bits: def u32 = 12,
        /// Frames per second.
        fps: opt Placed<f64>,
        /// Time that a row is exposed, ms.
        exposure_ms: def f64 = 8.0,
        /// Time from the first row to the last, ms; else 0.96 of a frame (rolling), 0.5 (global).
        readout_ms: opt Placed<f64>,
        /// How rows are exposed.
        shutter: opt Shutter,
        /// Serialiser, cable and deserialiser, ms.
        link_ms: def f64 = 0.05,
        /// Bytes beside the pixels: blanking, headers (share).
        blanking: def f64 = 0.1,
        /// When they start.
        phase: opt Phase,
        /// How far clocks may be off, parts per million: each camera's is drawn from it.
        drift_ppm: def f64 = 50.0,
        /// Whether raw frames are written to memory on arrival.
        raw_to_memory: def bool = true,
    }

    /// Sensors that are alike and no cameras.
    pub struct SensorTable {
        /// Name for stages.
        id: req Placed<String>,
        /// Part of the catalogue: gives the rate where it is not given here.
        part: opt Placed<String>,
        /// How many.
        count: def u32 = 1,
        /// Scans per second.
        hz: opt Placed<f64>,
        /// Bytes of a scan, kB.
        kbytes: def f64 = 64.0,
        /// From the scene to memory, ms.
        delay_ms: def f64 = 50.0,
        /// When they start.
        phase: opt Phase,
        /// How far clocks may be off, parts per million.
        drift_ppm: def f64 = 50.0,
    }

    /// Work on frames. What it takes is given as a time, a network or operations,
    /// or follows from pixels; or it keeps the pace of frames.
    pub struct StageTable {
        /// Name for other stages and chains.
        id: req Placed<String>,
        /// Cameras, sensors or stages that it works on.
        from: list Placed<String>,
        /// The engine.
        engine: req Placed<String>,
        /// One job over all inputs, once each has sent something new; else one for every frame of every input.
        fuse: def bool = false,
        /// Works on the newest of its inputs at this rate, on a clock of its own, Hz.
        hz: opt Placed<f64>,
        /// Every n-th frame alone.
        every: def u32 = 1,
        /// Time of a job without waiting for memory, ms.
        time_ms: opt Placed<Range>,
        /// Frames that its output is behind its input, for engines that keep the pace of frames and buffer them.
        frames: opt Placed<f64>,
        /// A network by name: "yolov8s".
        net: opt Placed<String>,
        /// Input of the network: width and height; for most a multiple of 32.
        input: list u32,
        /// Operations of a job, GFLOP (a multiply-add is two).
        gflop: opt Placed<Range>,
        /// Weights read by a job, MB.
        weights_mb: def f64 = 0.0,
        /// Crops or images that each input is worked on as (a network runs on each).
        images: def u32 = 1,
        /// How much longer single jobs take by chance: coefficient of variation.
        jitter: def f64 = 0.0,
        /// How often it reads its input from memory.
        reads: def f64 = 1.0,
        /// How often it writes its output to memory.
        writes: def f64 = 1.0,
        /// Pixels of its output, across; else as its first input.
        width: opt Placed<u32>,
        /// Pixels of its output, down; else as its first input.
        height: opt Placed<u32>,
        /// How its output lies in memory; else 8-bit YUV 4:2:0.
        format: opt Layout,
        /// Memory traffic of a job beside input and output, MB: pyramids, activations, references of an encoder.
        extra_mb: def f64 = 0.0,
        /// Works row by row at the pace of its input, and is done so many ms after it.
        line_ms: opt Placed<f64>,
        /// The higher, the sooner.
        priority: def u32 = 0,
        /// Time from the arrival of its input to its end that it should keep, ms; else a period of its input.
        deadline_ms: opt Placed<f64>,
        /// What becomes of frames that find it busy.
        late: opt Late,
        /// Frames that may wait for it.
        depth: def u32 = 1,
        /// Parts between which an engine that is not preemptive lets others in.
        pieces: def u32 = 1,
        /// Where its figures come from.
        basis: opt String,
    }

    /// A language model that shares the chip.
    pub struct LlmTable {
        /// Name in results.
        id: req Placed<String>,
        /// The model: "llama-2-7b"; else `weights_gb`, `layers` and `kv_kb`.
        model: opt Placed<String>,
        /// Format of its weights.
        format: opt Placed<String>,
        /// Weights read for a token, GB.
        weights_gb: opt Placed<f64>,
        /// Layers.
        layers: opt Placed<u32>,
        /// Cache of a token, kB.
        kv_kb: opt Placed<f64>,
        /// The engine.
        engine: req Placed<String>,
        /// Tokens of a prompt.
        prompt: def u32 = 256,
        /// Tokens of an answer.
        output: def u32 = 64,
        /// Requests per second; without it, one follows the other.
        requests_per_s: opt Placed<f64>,
        /// Share of the memory bandwidth that decoding gets alone; else from measured stacks.
        efficiency: opt Placed<Range>,
        /// How long it keeps its engine.
        hold: opt Hold,
        /// The higher, the sooner.
        priority: def u32 = 0,
    }

    /// A display with its own clock.
    pub struct DisplayTable {
        /// Name for chains.
        id: req Placed<String>,
        /// The stage that it shows, newest frame first.
        from: req Placed<String>,
        /// Pictures per second.
        fps: req Placed<f64>,
        /// Pixels across; else as its stage.
        width: opt Placed<u32>,
        /// Pixels down; else as its stage.
        height: opt Placed<u32>,
        /// Time from the first row to the last, ms; else 0.96 of a picture.
        scan_ms: opt Placed<f64>,
        /// Response of the panel, ms.
        panel_ms: req Placed<Range>,
        /// How far its clock may be off, parts per million.
        drift_ppm: def f64 = 50.0,
        /// Power of the panel, W; not part of the chip's.
        power_w: opt Range,
    }

    /// What is measured from a camera to a stage or display.
    pub struct ChainTable {
        /// Name in results; else "from to to".
        id: opt Placed<String>,
        /// Camera or sensor.
        from: req Placed<String>,
        /// Stage or display.
        to: req Placed<String>,
        /// Most latency, ms.
        limit_ms: opt Placed<f64>,
        /// Most age of what the sink works with, ms.
        age_ms: opt Placed<f64>,
        /// A rule instead of limits.
        rule: opt Rule,
        /// Frames lost in a row that the budget's worst case must stand.
        lost_frames: def u32 = 1,
    }
}
