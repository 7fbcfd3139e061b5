//! Where parameters come from: a sheet or a preset, with rows set by hand over it.

use std::path::{Path, PathBuf};

use clap::Args;
use lanewright_link::sheet::problem::{SheetProblem, SheetProblems};
use lanewright_link::sheet::resolve::{Choices, Resolved, resolve};
use lanewright_link::sheet::rows::Rows;
use lanewright_link::sheet::{preset, workbook};

/// Options of every subcommand that needs a reference transmitter and receiver.
#[derive(Args, Clone, Debug, Default)]
pub struct SetupArgs {
    /// COM sheet: .xls, .xlsx, or .csv with names and values in columns
    #[arg(long, value_name = "SHEET", conflicts_with = "preset")]
    pub sheet: Option<PathBuf>,
    /// Built-in sheet (`lanewright link presets` lists them)
    #[arg(long, value_name = "PRESET")]
    pub preset: Option<String>,
    /// Set a row over the sheet's: names as in the sheet, values in its own notation
    #[arg(long, value_name = "ROW=VALUE", allow_hyphen_values = true)]
    pub set: Vec<String>,
    /// Only this package case of the sheet (sets `z_p select`)
    #[arg(long, value_name = "N")]
    pub case: Option<u32>,
    /// Follow the sheet's `Local Search` instead of searching the full grid
    #[arg(long)]
    pub local: bool,
}

/// Rows with what they come to.
pub struct Setup {
    /// The rows, for further settings.
    pub rows: Rows,
    /// Parameters, warnings and defaults.
    pub resolved: Resolved,
    /// How many rows of a preset are estimates; none of a sheet.
    pub estimates: Option<preset::Estimates>,
    /// Whether `--local` was given.
    pub choices: Choices,
}

impl SetupArgs {
    /// The sheet's rows with what is set over them.
    pub fn rows(&self) -> Result<(Rows, Option<preset::Estimates>), SheetProblems> {
        let (mut rows, estimates) = match (&self.sheet, &self.preset) {
            (Some(path), _) => (read(path).map_err(SheetProblems::one)?, None),
            (None, Some(name)) => {
                let preset = preset::find(name).map_err(SheetProblems::one)?;
                (preset.rows().map_err(SheetProblems::one)?, Some(preset.estimates()))
            }
            (None, None) => {
                let help =
                    "give `--sheet SHEET` or `--preset PRESET`; `lanewright link presets` lists the built-in ones";
                return Err(SheetProblems::one(SheetProblem::new("link com", "there are no parameters", help)));
            }
        };
        let mut problems: Vec<SheetProblem> = Vec::new();
        for assignment in &self.set {
            if let Err(problem) = rows.set(assignment) {
                problems.push(problem);
            }
        }
        if let Some(case) = self.case
            && let Err(problem) = rows.set(&format!("z_p select={case}"))
        {
            problems.push(problem);
        }
        if problems.is_empty() { Ok((rows, estimates)) } else { Err(SheetProblems(problems)) }
    }

    /// Rows and parameters.
    pub fn load(&self) -> Result<Setup, SheetProblems> {
        let (rows, estimates) = self.rows()?;
        let choices = Choices { local_search: self.local };
        let resolved = resolve(&rows, choices)?;
        Ok(Setup { rows, resolved, estimates, choices })
    }
}

fn read(path: &Path) -> Result<Rows, SheetProblem> {
    let name = path.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned());
    let bytes = std::fs::read(path).map_err(|why| {
        let help = "give a COM sheet (.xls, .xlsx, .csv); quote a name with blanks";
        SheetProblem::new(path.display().to_string(), format!("the sheet cannot be read: {why}"), help)
    })?;
    Rows::new(&name, workbook::read(&name, &bytes)?)
}
