//! Where an installation is looked for.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
};

use crate::error::OpenError;

/// What to open.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Options {
    /// The folder of the installation or of its libraries. Without it: `ICICLE_INSTALL_DIR`, the folder above
    /// `ICICLE_BACKEND_INSTALL_DIR`, `/opt/icicle`, then the loader's paths.
    pub folder: Option<PathBuf>,
    /// The device: a kind that ICICLE knows, and an index, such as "CUDA" or "CUDA:1"; without it "CUDA".
    pub device: Option<String>,
}

/// Names an installation's folder; ICICLE's own build of its Rust crates installs there.
const INSTALL_DIR: &str = "ICICLE_INSTALL_DIR";
/// Names the folder of the backends of devices: `icicle_load_backend_from_env_or_default` reads it.
const BACKEND_DIR: &str = "ICICLE_BACKEND_INSTALL_DIR";
/// Where the runtime itself looks for backends, without `lib/backend`.
const DEFAULT_DIR: &str = "/opt/icicle";

/// The libraries of `icicle/cmake/{curve,field}.cmake`, in the order in which they need each other.
pub(crate) const LIBRARIES: [&str; 3] = ["icicle_device", "icicle_field_bn254", "icicle_curve_bn254"];

/// A library's file name on this system.
pub(crate) fn file_name(library: &str) -> String {
    format!("{}{library}{}", std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX)
}

/// Where the libraries are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    /// Their folder; none: the loader finds them, if anyone.
    pub(crate) folder: Option<PathBuf>,
    /// The folder of backends to load; none: the runtime's own rule.
    pub(crate) backends: Option<PathBuf>,
    /// The folders looked into, for messages.
    pub(crate) looked: String,
}

/// Finds the folder of the libraries; `variable` reads an environment variable.
pub(crate) fn find(options: &Options, variable: impl Fn(&str) -> Option<OsString>) -> Result<Place, OpenError> {
    let backend_dir = variable(BACKEND_DIR).filter(|value| !value.is_empty());
    let candidates: Vec<PathBuf> = match &options.folder {
        Some(folder) => with_lib(folder).into(),
        None => {
            let installed = variable(INSTALL_DIR).filter(|value| !value.is_empty());
            let installed = installed.map(PathBuf::from);
            let beside = backend_dir.as_deref().map(Path::new).and_then(Path::parent).map(Path::to_path_buf);
            let given = installed.into_iter().flat_map(|folder| with_lib(&folder));
            given.chain(beside).chain(with_lib(Path::new(DEFAULT_DIR))).collect()
        }
    };
    let looked = candidates.iter().map(|folder| folder.display().to_string()).collect::<Vec<_>>().join(", ");
    let folder = candidates.into_iter().find(|folder| folder.join(file_name(LIBRARIES[0])).is_file());
    if folder.is_none() && options.folder.is_some() {
        return Err(OpenError::NoLibrary { library: file_name(LIBRARIES[0]), looked });
    }
    // A folder that the caller names is used whole; one found is, unless the environment names other backends.
    let own = folder.as_ref().map(|folder| folder.join("backend")).filter(|backends| backends.is_dir());
    let backends = own.filter(|_| options.folder.is_some() || backend_dir.is_none());
    Ok(Place { folder, backends, looked })
}

fn with_lib(folder: &Path) -> [PathBuf; 2] {
    [folder.join("lib"), folder.to_path_buf()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(name: &str) -> PathBuf {
        let path = std::env::temp_dir().join(format!("proofyard-icicle-{}-{name}", std::process::id()));
        std::fs::create_dir_all(path.join("lib/backend")).unwrap();
        path
    }

    #[test]
    fn the_named_folder_comes_before_the_environment() {
        let (named, other) = (folder("named"), folder("other"));
        for install in [&named, &other] {
            std::fs::write(install.join("lib").join(file_name(LIBRARIES[0])), []).unwrap();
        }
        let environment = |install: &PathBuf, backends: Option<&str>| {
            let (install, backends) = (install.clone().into_os_string(), backends.map(OsString::from));
            move |name: &str| if name == INSTALL_DIR { Some(install.clone()) } else { backends.clone() }
        };
        let lib = |install: &PathBuf| Some(install.join("lib"));
        let backends = |install: &PathBuf| Some(install.join("lib/backend"));

        let options = Options { folder: Some(named.clone()), device: None };
        let place = find(&options, environment(&other, Some("elsewhere/backend"))).unwrap();
        assert_eq!((place.folder, place.backends), (lib(&named), backends(&named)));

        let place = find(&Options::default(), environment(&other, None)).unwrap();
        assert_eq!((place.folder, place.backends), (lib(&other), backends(&other)));
        let place = find(&Options::default(), environment(&other, Some("elsewhere/backend"))).unwrap();
        assert_eq!((place.folder, place.backends), (lib(&other), None));

        let beside = other.join("lib/backend").into_os_string();
        let place = find(&Options::default(), |name| (name == BACKEND_DIR).then(|| beside.clone())).unwrap();
        assert_eq!((place.folder, place.backends), (lib(&other), None));

        for install in [named, other] {
            std::fs::remove_dir_all(install).unwrap();
        }
    }

    #[test]
    fn an_empty_named_folder_is_refused_with_where_it_looked() {
        let empty = folder("empty");
        let options = Options { folder: Some(empty.clone()), device: None };
        let Err(OpenError::NoLibrary { library, looked }) = find(&options, |_| None) else { panic!() };
        assert_eq!(library, file_name("icicle_device"));
        assert!(looked.contains(&empty.display().to_string()), "{looked}");
        std::fs::remove_dir_all(empty).unwrap();
    }
}
