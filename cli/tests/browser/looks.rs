//! How a page looks: nothing stands out of the window, every text can be read, and pictures of it for the documentation.

use std::{fs, path::Path};

use serde_json::Value;

use super::Browser;

/// A screenshot, when a folder for them is named.
pub async fn screenshot(browser: &Browser, name: &str) {
    let Some(folder) = std::env::var_os("PROOFYARD_SCREENSHOTS") else { return };
    let image = browser.client.screenshot().await.expect("an image");
    fs::create_dir_all(&folder).expect("a folder");
    fs::write(Path::new(&folder).join(format!("{name}.png")), image).expect("written");
}

/// Texts whose contrast with what is behind them is below 4.5 (WCAG AA).
const PALE: &str = r#"
    const rgb = (text) => { const [r, g, b, a = 1] = text.match(/[\d.]+/g).map(Number); return { r, g, b, a }; };
    const linear = (value) => { const x = value / 255; return x <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4; };
    const light = ({ r, g, b }) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
    const ground = (node) => {
        for (let at = node; at; at = at.parentElement) {
            const colour = rgb(getComputedStyle(at).backgroundColor);
            if (colour.a === 1) return colour;
        }
        return { r: 255, g: 255, b: 255 };
    };
    const pale = [];
    for (const node of document.querySelectorAll('body *')) {
        const own = [...node.childNodes].some((child) => child.nodeType === Node.TEXT_NODE && child.data.trim());
        // What is for screen readers only is a pixel wide.
        if (!own || !node.checkVisibility({ checkVisibilityCSS: true }) || node.getBoundingClientRect().width <= 1) continue;
        const [a, b] = [light(rgb(getComputedStyle(node).color)), light(ground(node))];
        const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
        if (contrast < 4.5) pale.push(`${contrast.toFixed(2)} ${node.tagName}.${node.className}: ${node.textContent.slice(0, 40)}`);
    }
    return pale;
"#;

/// Nothing stands out of a window of any size, and every text can be read.
pub async fn check_looks(browser: &Browser, where_: &str) {
    let outside = browser.eval("return document.documentElement.scrollWidth - innerWidth;").await;
    assert!(outside.as_i64().expect("a number") <= 0, "{where_}: {outside} pixels to scroll");
    let pale = browser.eval(PALE).await;
    assert_eq!(pale, Value::Array(Vec::new()), "{where_}");
}

/// Light and dark, on a desk and on a phone.
pub async fn look_at(browser: &Browser, name: &str) {
    for (scheme, device, width, height) in [
        ("light", "desktop", 1280, 900),
        ("dark", "desktop", 1280, 900),
        ("light", "phone", 360, 740),
        ("dark", "phone", 360, 740),
    ] {
        browser.prefer(scheme).await;
        browser.resize(width, height, device == "phone").await;
        let name = format!("{name}-{device}-{scheme}");
        check_looks(browser, &name).await;
        screenshot(browser, &name).await;
    }
    browser.prefer("light").await;
    browser.resize(1280, 900, false).await;
}
