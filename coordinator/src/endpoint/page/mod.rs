//! The live page at `/`: files that are part of the program, with headers under which they load nothing from elsewhere.
//! docs/live-page.md

use std::sync::Arc;

use axum::{
    body::Bytes,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{MethodRouter, get},
};
use sha2::{Digest, Sha256};

use super::{Context, etag};

/// What the page may do: load its own scripts, styles and images, and ask its own origin.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; \
                      base-uri 'none'; frame-ancestors 'none'; form-action 'none'";

const HTML: &str = "text/html; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const IMAGE: &str = "image/svg+xml";

struct File {
    path: &'static str,
    kind: &'static str,
    text: &'static str,
}

const fn script(path: &'static str, text: &'static str) -> File {
    File { path, kind: SCRIPT, text }
}

static FILES: [File; 14] = [
    File { path: "/", kind: HTML, text: include_str!("index.html") },
    File { path: "/page/page.css", kind: STYLE, text: include_str!("page.css") },
    File { path: "/page/logo.svg", kind: IMAGE, text: include_str!("logo.svg") },
    script("/page/page.js", include_str!("page.js")),
    script("/page/blocks.js", include_str!("blocks.js")),
    script("/page/changes.js", include_str!("changes.js")),
    script("/page/details.js", include_str!("details.js")),
    script("/page/dom.js", include_str!("dom.js")),
    script("/page/farm.js", include_str!("farm.js")),
    script("/page/format.js", include_str!("format.js")),
    script("/page/grid.js", include_str!("grid.js")),
    script("/page/overview.js", include_str!("overview.js")),
    script("/page/stream.js", include_str!("stream.js")),
    script("/page/workers.js", include_str!("workers.js")),
];

/// The page's paths. They are for browsers, so the OpenAPI document does not describe them.
pub(super) fn routes() -> impl Iterator<Item = (&'static str, MethodRouter<Arc<Context>>)> {
    FILES.iter().map(|file| {
        let tag = etag::tag(&Sha256::digest(file.text).into());
        (file.path, get(async move |headers: HeaderMap| answer(file, &tag, &headers)))
    })
}

fn answer(file: &File, tag: &str, headers: &HeaderMap) -> Response {
    let mut response = if etag::is_held(headers, tag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        ([(header::CONTENT_TYPE, file.kind)], Bytes::from_static(file.text.as_bytes())).into_response()
    };
    let answered = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        // Asked again each time, and answered with 304: a coordinator that was replaced by another version is noticed.
        (header::CACHE_CONTROL, "no-cache"),
    ] {
        answered.insert(name, HeaderValue::from_static(value));
    }
    // Quotes and hexadecimal digits make a header.
    if let Ok(tag) = HeaderValue::from_str(tag) {
        answered.insert(header::ETAG, tag);
    }
    response
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fs, path::Path};

    use super::*;

    #[test]
    fn every_file_of_the_folder_is_served_and_each_script_is_loaded_at_once() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/endpoint/page");
        let names = fs::read_dir(folder).expect("the folder").map(|entry| entry.expect("an entry").file_name());
        let there: BTreeSet<_> = names
            .map(|name| name.into_string().expect("text"))
            .filter(|name| !["mod.rs", "package.json", "index.html"].contains(&name.as_str()))
            .map(|name| format!("/page/{name}"))
            .collect();
        let served: BTreeSet<_> =
            FILES.iter().filter(|file| file.path != "/").map(|file| file.path.to_owned()).collect();
        assert_eq!(there, served);
        for file in FILES.iter().filter(|file| file.kind == SCRIPT) {
            assert!(FILES[0].text.contains(&format!("href=\"{}\"", file.path)) || file.path.ends_with("/page.js"));
        }
    }

    #[test]
    fn nothing_names_another_origin_or_needs_what_the_policy_forbids() {
        for file in &FILES {
            // The SVG namespace is a name, not an address.
            let text = file.text.replace("http://www.w3.org/2000/svg", "");
            for forbidden in ["http:", "https:", "//cdn", "@import", "url(", "innerHTML", "outerHTML", "insertAdjacent"]
            {
                assert!(!text.contains(forbidden), "{}: {forbidden}", file.path);
            }
            for forbidden in ["document.write", "eval(", "new Function", " style=", "<style", "setAttribute(\"style\""]
            {
                assert!(!text.contains(forbidden), "{}: {forbidden}", file.path);
            }
            let handlers = [" onclick=", " onload=", " onerror=", "javascript:"];
            assert!(handlers.iter().all(|handler| !text.contains(handler)), "{}", file.path);
        }
    }
}
