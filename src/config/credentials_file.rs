//! The application's credentials in the config file: adds or removes them without changing anything else,
//! comments included, and makes the file readable for its owner only.

use std::{
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use color_eyre::eyre::{Report, Result, WrapErr as _, eyre};
use secrecy::ExposeSecret as _;
use tempfile::NamedTempFile;
use toml_edit::{DocumentMut, value};

use super::Credentials;

const ID: &str = "client_id";
const SECRET: &str = "client_secret";

/// A config file to be changed.
pub struct CredentialsFile {
    path: PathBuf,
    document: DocumentMut,
}

impl CredentialsFile {
    /// Reads the file; a missing one is empty.
    ///
    /// # Errors
    /// It cannot be read, or is not valid TOML.
    pub fn open(path: &Path) -> Result<Self> {
        // A symbolic link is kept: its target is changed.
        let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let text = match fs::read_to_string(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            text => text.wrap_err_with(|| format!("{} cannot be read", path.display()))?,
        };
        // toml's error quotes a line, which may contain a secret.
        let document = text.parse().map_err(|_| {
            eyre!(
                "{} is not valid: `cortop doctor` says where; nothing was changed",
                path.display()
            )
        })?;
        Ok(Self { path, document })
    }

    /// The path of the file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Checks that the file can be written, without changing anything.
    ///
    /// # Errors
    /// It cannot.
    pub fn check_writable(&self) -> Result<()> {
        let there = self.folder().ancestors().find(|folder| folder.exists());
        let made = NamedTempFile::new_in(there.unwrap_or(Path::new(".")));
        made.map(drop).map_err(|error| self.not_writable(&error))
    }

    /// Adds the credentials.
    ///
    /// # Errors
    /// The file cannot be written; it is unchanged.
    pub fn write(mut self, credentials: &Credentials) -> Result<()> {
        self.document[ID] = value(credentials.id.expose_secret());
        self.document[SECRET] = value(credentials.secret.expose_secret());
        self.save()
    }

    /// Removes the credentials; false if there were none.
    ///
    /// # Errors
    /// The file cannot be written; it is unchanged.
    pub fn remove(mut self) -> Result<bool> {
        let there = [ID, SECRET].map(|name| self.document.remove(name).is_some()).contains(&true);
        if there {
            self.save()?;
        }
        Ok(there)
    }

    /// Replaces the file atomically by one that only its owner can read.
    fn save(&self) -> Result<()> {
        let write = || -> io::Result<()> {
            let folder = self.folder();
            fs::create_dir_all(folder)?;
            let mut file = NamedTempFile::new_in(folder)?;
            file.write_all(self.document.to_string().as_bytes())?;
            file.as_file().sync_all()?;
            file.persist(&self.path)?;
            Ok(())
        };
        write().map_err(|error| self.not_writable(&error))
    }

    fn folder(&self) -> &Path {
        let folder = self.path.parent().filter(|folder| *folder != Path::new(""));
        folder.unwrap_or(Path::new("."))
    }

    /// The kind alone: the error itself names a temporary file.
    fn not_writable(&self, error: &io::Error) -> Report {
        let (path, folder) = (self.path.display(), self.folder().display());
        eyre!(
            "{path} cannot be written ({}); make the folder {folder} writable, or name another file \
             with --config",
            error.kind()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_come_and_go_and_everything_else_stays() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("new").join("config.toml");
        let credentials = |id: &str| Credentials::new(id, "a \"secret\"");
        CredentialsFile::open(&path).expect("empty").write(&credentials("first")).expect("written");
        let text = fs::read_to_string(&path).expect("text");
        assert_eq!(text, "client_id = \"first\"\nclient_secret = 'a \"secret\"'\n");

        let before = "# mine\nfps = 5 # slow\n\n[keys.global]\nquit = [\"x\"]\n";
        fs::write(&path, before).expect("written");
        CredentialsFile::open(&path)
            .expect("valid")
            .write(&credentials("second"))
            .expect("written");
        let text = fs::read_to_string(&path).expect("text");
        assert!(text.starts_with("# mine\nfps = 5 # slow\nclient_id = \"second\""), "{text}");
        assert!(text.ends_with("[keys.global]\nquit = [\"x\"]\n"), "{text}");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = fs::metadata(&path).expect("it is there").permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }

        assert!(CredentialsFile::open(&path).expect("valid").remove().expect("written"));
        assert_eq!(fs::read_to_string(&path).expect("text"), before);
        assert!(!CredentialsFile::open(&path).expect("valid").remove().expect("nothing to do"));
    }

    #[test]
    fn a_place_that_cannot_be_written_is_named_with_the_step() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("new").join("config.toml");
        let file = CredentialsFile::open(&path).expect("empty");
        file.check_writable().expect("it can");
        assert!(!path.parent().is_some_and(Path::exists), "nothing is made");
        // Even root cannot make a folder in place of a file.
        fs::write(folder.path().join("new"), "").expect("written");
        let error = file.write(&Credentials::new("a", "b")).expect_err("refused").to_string();
        assert!(error.starts_with(&format!("{} cannot be written", path.display())), "{error}");
        assert!(error.contains("--config") && !error.contains("tmp."), "{error}");
    }

    #[test]
    fn a_file_that_is_not_valid_is_left_alone_and_not_quoted() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("config.toml");
        fs::write(&path, "client_secret = hush").expect("written");
        let error = CredentialsFile::open(&path).err().expect("refused").to_string();
        assert!(error.contains("config.toml") && !error.contains("hush"), "{error}");
    }
}
