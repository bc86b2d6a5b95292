//! Finds and opens the exports that the arguments name: files, patterns, folders, objects and standard input.

use std::path::{Path, PathBuf};

use super::arguments::{Common, TextEncoding};
use super::error::CliError;
use super::folders::{self, Folder};
use super::objects::{self, Buckets};
use super::patterns::{self, PatternFault, is_pattern};
use super::settings::EffectiveSettings;
use crate::export::{
    DeclaredEncoding, Export, ExportError, Exports, HeaderTest, LinesAbove, ReadOptions,
    SheetChoice,
};
use crate::object_storage::{Address, Bucket};
use crate::problem::{Problem, ProblemCode};

/// The exports that the arguments name, each opened when it is needed, so that a thousand of them
/// don't keep a thousand files open.
pub(super) struct OpenExports {
    files: std::vec::IntoIter<Named>,
    current: Option<Exports>,
    pub(super) options: ReadOptions,
    /// The folders among the arguments, each with the names of what is not read in it.
    folders: Vec<(PathBuf, Vec<String>)>,
}

#[derive(Clone, Debug)]
enum Named {
    File(PathBuf),
    /// A file of the folder with this number.
    InFolder(PathBuf, usize),
    /// A file of the folder with this number that is not named as an export: it is read only if a profile
    /// reads it.
    MaybeExport(PathBuf, usize),
    StandardInput,
    /// An object, and the number of the folder that it was found in, if it was not named itself.
    Object(Bucket, Address, Option<usize>),
}

/// Finds what the arguments name: paths, globs, folders, addresses of objects, `-` for standard input.
///
/// `lines_above` decides below which lines the header of one may be; `sheets` are those that profiles name.
pub(super) fn open(
    names: &[PathBuf],
    (common, settings): (&Common, &EffectiveSettings),
    lines_above: LinesAbove,
    sheets: Vec<String>,
) -> Result<OpenExports, CliError> {
    let mut files = Vec::new();
    let mut folders = Vec::new();
    let mut buckets = Buckets::default();
    for name in names {
        if name.as_os_str() == "-" {
            files.push(Named::StandardInput);
        } else if let Some(address) = Address::from_path(name) {
            let bucket = buckets.bucket_of(&address)?;
            let (objects, folder) = if objects::is_folder(&address) {
                let found = objects::list(&bucket, &address)?;
                folders.push((name.clone(), found.not_read));
                (found.objects, Some(folders.len() - 1))
            } else {
                (objects::matching(&bucket, &address)?, None)
            };
            let objects = objects.into_iter();
            files.extend(objects.map(|object| Named::Object(bucket.clone(), object, folder)));
        } else if name.is_dir() {
            let folder = folders.len();
            let Folder {
                files: all,
                not_read,
            } = folder_of(name, settings)?;
            folders.push((name.clone(), not_read));
            files.extend(all.into_iter().map(|file| {
                if file.is_named_as_export {
                    Named::InFolder(file.path, folder)
                } else {
                    Named::MaybeExport(file.path, folder)
                }
            }));
        } else if name.exists() || !is_pattern(&name.to_string_lossy()) {
            files.push(Named::File(name.clone()));
        } else {
            files.extend(matching(name)?.into_iter().map(Named::File));
        }
    }
    let declared_encoding = common.encoding.map(|encoding| match encoding {
        TextEncoding::Utf8 => DeclaredEncoding::Utf8,
        TextEncoding::Utf16 => DeclaredEncoding::Utf16,
        TextEncoding::Windows1252 => DeclaredEncoding::Windows1252,
    });
    Ok(OpenExports {
        files: files.into_iter(),
        current: None,
        options: ReadOptions {
            declared_encoding,
            lines_above,
            sheet: SheetChoice {
                named: common.sheet.clone(),
                of_profiles: sheets,
            },
            is_export: HeaderTest::default(),
        },
        folders,
    })
}

fn folder_of(name: &Path, settings: &EffectiveSettings) -> Result<Folder, CliError> {
    folders::list(name, settings).map_err(|error| {
        let message = format!("the folder can't be read: {error}");
        let problem = Problem::error(ProblemCode::ExportMissing, message)
            .at(name.display().to_string(), None);
        CliError::unusable(problem.hint("check that you may read the folder"))
    })
}

impl OpenExports {
    /// Returns the files that are still to be opened.
    pub(super) fn paths(&self) -> impl Iterator<Item = &Path> {
        self.files
            .as_slice()
            .iter()
            .filter_map(|named| match named {
                Named::File(path) | Named::InFolder(path, _) | Named::MaybeExport(path, _) => {
                    Some(path.as_path())
                }
                Named::StandardInput | Named::Object(..) => None,
            })
    }

    /// Returns the files of folders that are exports.
    pub(super) fn folder_files(&self) -> impl Iterator<Item = &Path> {
        let files = self.files.as_slice().iter();
        files.filter_map(|named| match named {
            Named::InFolder(path, _) => Some(path.as_path()),
            Named::File(_) | Named::MaybeExport(..) | Named::StandardInput | Named::Object(..) => {
                None
            }
        })
    }

    pub(super) fn has_folders(&self) -> bool {
        !self.folders.is_empty()
    }

    pub(super) fn options(&self) -> &ReadOptions {
        &self.options
    }

    pub(super) fn has_standard_input(&self) -> bool {
        let mut files = self.files.as_slice().iter();
        files.any(|named| matches!(named, Named::StandardInput))
    }

    /// Returns the exports without the files of folders with these paths.
    pub(super) fn without(&self, paths: &[PathBuf]) -> OpenExports {
        let is_left_out = |named: &Named| match named {
            Named::InFolder(path, _) => paths.contains(path),
            Named::File(_) | Named::MaybeExport(..) | Named::StandardInput | Named::Object(..) => {
                false
            }
        };
        let files: Vec<Named> = self
            .files
            .as_slice()
            .iter()
            .filter(|it| !is_left_out(it))
            .cloned()
            .collect();
        OpenExports {
            files: files.into_iter(),
            current: None,
            options: self.options.clone(),
            folders: self.folders.clone(),
        }
    }

    /// Decides which files of folders that are not named as exports are exports.
    ///
    /// # Errors
    ///
    /// A folder has no exports.
    pub(super) fn settle(
        &mut self,
        mut is_export: impl FnMut(Export) -> bool,
    ) -> Result<(), CliError> {
        let options = self.options.clone();
        let mut files = Vec::new();
        for named in std::mem::take(&mut self.files) {
            let Named::MaybeExport(path, folder) = named else {
                files.push(named);
                continue;
            };
            let export = Exports::open(&path, options.clone()).next();
            if export.and_then(Result::ok).is_some_and(&mut is_export) {
                files.push(Named::InFolder(path, folder));
            } else {
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                self.folders[folder].1.push(format!("`{name}`"));
            }
        }
        self.files = files.into_iter();
        self.expect_exports()
    }

    /// Refuses folders without exports: a download that is missing must not look like a night without news.
    fn expect_exports(&self) -> Result<(), CliError> {
        let files = self.files.as_slice();
        let has_exports = |folder: usize| {
            let mut files = files.iter();
            files.any(|named| match named {
                Named::InFolder(_, of) | Named::Object(_, _, Some(of)) => *of == folder,
                _ => false,
            })
        };
        let folders = self.folders.iter().enumerate();
        let empty = folders.filter(|(number, _)| !has_exports(*number));
        let problems: Vec<Problem> = empty
            .map(|(_, (folder, _))| {
                Problem::error(ProblemCode::ExportMissing, "no export is in this folder")
                    .at(folder.display().to_string(), None)
                    .hint("check the folder; folders inside it and hidden files are not read")
            })
            .collect();
        if problems.is_empty() {
            Ok(())
        } else {
            Err(CliError::Unusable(problems))
        }
    }

    /// Returns the warnings about what is not read in folders.
    pub(super) fn remarks(&self) -> Vec<Problem> {
        let folders = self.folders.iter();
        folders
            .filter_map(|(folder, names)| folders::not_read(folder, names))
            .collect()
    }
}

impl Iterator for OpenExports {
    type Item = Result<Export, ExportError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(export) = self.current.as_mut().and_then(Exports::next) {
                return Some(export);
            }
            let exports = match self.files.next()? {
                Named::File(path) | Named::InFolder(path, _) => {
                    Exports::open(&path, self.options.clone())
                }
                Named::MaybeExport(..) => continue,
                Named::StandardInput => {
                    Exports::from_reader("-", Box::new(std::io::stdin()), self.options.clone())
                }
                Named::Object(bucket, object, _) => {
                    let name = object.to_string();
                    Exports::from_reader(&name, bucket.read(object), self.options.clone())
                }
            };
            self.current = Some(exports);
        }
    }
}

fn matching(pattern: &Path) -> Result<Vec<PathBuf>, CliError> {
    let unusable = |message: String, hint: &str| {
        let problem = Problem::error(ProblemCode::ExportMissing, message);
        CliError::unusable(problem.at(pattern.display().to_string(), None).hint(hint))
    };
    let paths = patterns::matching(pattern).map_err(|fault| match fault {
        PatternFault::Invalid(error) => unusable(
            format!("not a valid pattern: {error}"),
            "`*` matches any characters, `?` one, `[ab]` one of those in it",
        ),
        PatternFault::Unreadable(folder, error) => unusable(
            format!("the folder `{}` can't be read: {error}", folder.display()),
            "check that you may read the folder",
        ),
    })?;
    if paths.is_empty() {
        Err(unusable(
            "no file matches this pattern".to_owned(),
            "check the folder and the ending",
        ))
    } else {
        Ok(paths)
    }
}
