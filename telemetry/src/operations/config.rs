//! The section `[operations]` of a configuration file.

use std::net::SocketAddr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// The operations listener.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OperationsConfig {
    /// Its address; in the file an empty text: there is no listener.
    #[serde(serialize_with = "write", deserialize_with = "read")]
    pub listen: Option<SocketAddr>,
}

fn write<S: Serializer>(listen: &Option<SocketAddr>, to: S) -> Result<S::Ok, S::Error> {
    match listen {
        Some(address) => to.collect_str(address),
        None => to.serialize_str(""),
    }
}

fn read<'de, D: Deserializer<'de>>(from: D) -> Result<Option<SocketAddr>, D::Error> {
    let text = String::deserialize(from)?;
    if text.is_empty() {
        return Ok(None);
    }
    let wrong =
        |_| D::Error::custom(format!("listen = {text:?} is no address: HOST:PORT with a numeric host, or \"\""));
    text.parse().map(Some).map_err(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_address_is_no_listener() {
        let read = |text: &str| toml::from_str::<OperationsConfig>(text);
        assert_eq!(read("listen = \"\"").expect("off"), OperationsConfig::default());
        assert_eq!(read("").expect("off"), OperationsConfig::default());
        let on = read("listen = \"127.0.0.1:9464\"").expect("on");
        assert_eq!(on.listen, Some(SocketAddr::from(([127, 0, 0, 1], 9464))));
        assert_eq!(read(&toml::to_string(&on).expect("a file")).expect("on"), on);
        assert!(read("listen = \"nowhere\"").is_err_and(|error| error.to_string().contains("HOST:PORT")));
        assert!(read("lissten = \"\"").is_err());
    }
}
