//! A server of S3 that is not ours.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

/// Serves the files of a folder as the objects of the bucket `billing`, until it is dropped.
pub struct S3Server {
    process: Child,
    output: BufReader<ChildStdout>,
    address: String,
}

impl S3Server {
    /// Starts it; `None` where `moto` is not here, which is said. `FPRECON_REQUIRE_S3` makes it a failure.
    pub fn start(folder: &Path) -> Option<S3Server> {
        let python = std::env::var("FPRECON_MOTO").unwrap_or_else(|_| "python3".to_owned());
        let has_it = Command::new(&python)
            .args(["-c", "import moto.server, boto3"])
            .output();
        if !has_it.is_ok_and(|ran| ran.status.success()) {
            let missing =
                "moto is not here (FPRECON_MOTO names a Python that has `moto[s3,server]`)";
            assert!(
                std::env::var_os("FPRECON_REQUIRE_S3").is_none(),
                "{missing}"
            );
            eprintln!("skipped: {missing}");
            return None;
        }
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/support/s3_server.py");
        let mut process = Command::new(python)
            .arg(script)
            .arg("billing")
            .arg(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut address = String::new();
        let mut output = BufReader::new(process.stdout.take().unwrap());
        output.read_line(&mut address).unwrap();
        let address = address.trim().to_owned();
        assert!(address.starts_with("http://127.0.0.1:"), "{address}");
        Some(S3Server {
            process,
            output,
            address,
        })
    }

    /// Writes all objects of the bucket into a folder.
    pub fn write_to(&mut self, folder: &Path) {
        let input = self.process.stdin.as_mut().unwrap();
        writeln!(input, "{}", folder.display()).unwrap();
        let mut answer = String::new();
        self.output.read_line(&mut answer).unwrap();
        assert_eq!(answer.trim(), "done");
    }

    /// Returns the variables of the environment by which it is found, with credentials that it takes.
    pub fn environment(&self) -> [(&'static str, &str); 4] {
        [
            ("AWS_ENDPOINT_URL", &self.address),
            ("AWS_ACCESS_KEY_ID", "id"),
            ("AWS_SECRET_ACCESS_KEY", "secret"),
            ("AWS_REGION", "us-east-1"),
        ]
    }
}

impl Drop for S3Server {
    fn drop(&mut self) {
        // Its standard input ends, and so does it.
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}
