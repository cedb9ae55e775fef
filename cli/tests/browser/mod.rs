//! A headless Chromium driven over WebDriver.
#![allow(dead_code, reason = "every test file uses a part of it")]

pub mod looks;

use std::{
    io::{BufRead, BufReader},
    os::unix::process::CommandExt,
    process::{Child, Command, Stdio},
    str::FromStr,
    time::{Duration, Instant},
};

use fantoccini::{Client, ClientBuilder, Locator, key::Key, wd::WebDriverCompatibleCommand};
use hyper_util::client::legacy::connect::HttpConnector;
use reqwest::{Method, Url};
use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::common::tool;

/// What the slowest machine needs for anything that is waited for.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// ChromeDriver and what it has started; ended when dropped.
struct Driver {
    process: Child,
    url: String,
}

impl Driver {
    fn start() -> Self {
        let mut command = Command::new(tool("PROOFYARD_CHROMEDRIVER", "chromedriver"));
        // A group of its own, so that browsers whose test has failed end with it.
        command.arg("--port=0").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).process_group(0);
        let process = command.spawn().expect("ChromeDriver starts");
        let mut driver = Self { process, url: String::new() };
        let lines = BufReader::new(driver.process.stdout.take().expect("its output")).lines();
        for line in lines.map_while(Result::ok) {
            if let Some((_, port)) = line.split_once("started successfully on port ") {
                driver.url = format!("http://127.0.0.1:{}", port.trim_end_matches('.'));
                return driver;
            }
        }
        panic!("ChromeDriver ended before it listened");
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        if let Some(group) = i32::try_from(self.process.id()).ok().and_then(Pid::from_raw) {
            // One that has ended already is as good as killed.
            let _ = kill_process_group(group, Signal::KILL);
        }
        let _ = self.process.wait();
    }
}

/// A browser with one page.
pub struct Browser {
    pub client: Client,
    _driver: Driver,
    _profile: TempDir,
}

/// A command of ChromeDriver that is not in the standard.
#[derive(Debug)]
struct Special {
    path: &'static str,
    body: Value,
}

impl WebDriverCompatibleCommand for Special {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, <Url as FromStr>::Err> {
        base.join(&format!("session/{}/{}", session.unwrap_or_default(), self.path))
    }

    fn method_and_body(&self, _: &Url) -> (Method, Option<String>) {
        (Method::POST, Some(self.body.to_string()))
    }
}

impl Browser {
    /// Starts one; it logs what its pages write to the console and ask the network for.
    pub async fn start() -> Self {
        let driver = Driver::start();
        let profile = tempfile::tempdir().expect("a folder");
        let arguments = [
            "--headless".to_owned(),
            "--no-sandbox".to_owned(),
            "--disable-gpu".to_owned(),
            "--disable-quic".to_owned(),
            "--disable-dev-shm-usage".to_owned(),
            "--no-first-run".to_owned(),
            "--disable-crash-reporter".to_owned(),
            "--disable-background-networking".to_owned(),
            "--disable-component-update".to_owned(),
            "--disable-sync".to_owned(),
            "--window-size=1280,900".to_owned(),
            "--lang=en-GB".to_owned(),
            format!("--user-data-dir={}", profile.path().display()),
        ];
        let capabilities = json!({
            "browserName": "chrome",
            "goog:chromeOptions": { "binary": tool("PROOFYARD_CHROMIUM", "chromium"), "args": arguments },
            "goog:loggingPrefs": { "browser": "ALL", "performance": "ALL" },
        });
        let mut builder = ClientBuilder::new(HttpConnector::new());
        builder.capabilities(serde_json::from_value(capabilities).expect("a map"));
        let client = builder.connect(&driver.url).await.expect("a browser");
        Self { client, _driver: driver, _profile: profile }
    }

    /// What a script of the page returns.
    pub async fn eval(&self, script: &str) -> Value {
        self.client.execute(script, Vec::new()).await.unwrap_or_else(|error| panic!("{script}: {error}"))
    }

    /// Waits until an expression is true in the page.
    pub async fn until(&self, expression: &str) {
        let started = Instant::now();
        let script = format!("return Boolean({expression});");
        while self.eval(&script).await != true {
            if started.elapsed() > PATIENCE {
                let text = self.eval("return document.body.innerText;").await;
                panic!("not true in time: {expression}; the page shows:\n{}", text.as_str().unwrap_or_default());
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
    }

    /// The text of the first element.
    pub async fn text(&self, selector: &str) -> String {
        let found =
            self.client.find(Locator::Css(selector)).await.unwrap_or_else(|error| panic!("{selector}: {error}"));
        found.text().await.expect("its text")
    }

    /// A click on the first element, as a person does it: it must be visible.
    pub async fn click(&self, selector: &str) {
        let found =
            self.client.find(Locator::Css(selector)).await.unwrap_or_else(|error| panic!("{selector}: {error}"));
        found.click().await.unwrap_or_else(|error| panic!("{selector}: {error}"));
    }

    /// A key, pressed wherever the focus is.
    pub async fn press(&self, key: Key) {
        let focused = self.client.active_element().await.expect("something has the focus");
        focused.send_keys(&key.to_string()).await.expect("it is sent");
    }

    /// A command of the DevTools protocol.
    pub async fn devtools(&self, command: &str, parameters: Value) -> Value {
        let body = json!({ "cmd": command, "params": parameters });
        self.client.issue_cmd(Special { path: "goog/cdp/execute", body }).await.expect("it is done")
    }

    /// A window of a phone's or a desk's size.
    pub async fn resize(&self, width: u32, height: u32, is_phone: bool) {
        let metrics = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": is_phone });
        self.devtools("Emulation.setDeviceMetricsOverride", metrics).await;
        self.until(&format!("innerWidth === {width}")).await;
    }

    /// The reader prefers `light` or `dark`.
    pub async fn prefer(&self, scheme: &str) {
        let media = json!({ "features": [
            { "name": "prefers-color-scheme", "value": scheme },
            { "name": "prefers-reduced-motion", "value": "reduce" },
        ] });
        self.devtools("Emulation.setEmulatedMedia", media).await;
        self.until(&format!("matchMedia('(prefers-color-scheme: {scheme})').matches")).await;
    }

    /// What the pages wrote to the console since the last call, and what the browser complains of there.
    pub async fn console(&self) -> Vec<String> {
        self.log("browser").await.iter().filter_map(|entry| Some(entry["message"].as_str()?.to_owned())).collect()
    }

    /// The addresses that pages of an origin asked for since the last call; the browser's own first page asks for others.
    pub async fn requests_of(&self, origin: &str) -> Vec<String> {
        let events = self.log("performance").await;
        let messages = events.iter().filter_map(|entry| serde_json::from_str::<Value>(entry["message"].as_str()?).ok());
        let sent = messages.filter(|event| event["message"]["method"] == "Network.requestWillBeSent");
        let by_it = sent.filter(|event| {
            event["message"]["params"]["documentURL"].as_str().is_some_and(|document| document.starts_with(origin))
        });
        by_it.filter_map(|event| Some(event["message"]["params"]["request"]["url"].as_str()?.to_owned())).collect()
    }

    async fn log(&self, kind: &str) -> Vec<Value> {
        let entries = self.client.issue_cmd(Special { path: "se/log", body: json!({ "type": kind }) }).await;
        entries.expect("a log").as_array().expect("a list").clone()
    }

    /// Ends the browser in order.
    pub async fn close(self) {
        self.client.clone().close().await.expect("it closes");
    }
}
