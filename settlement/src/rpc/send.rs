//! Handing a signed transaction to the endpoints.

use alloy::primitives::B256;
use serde_json::json;
use tokio::sync::mpsc;

use super::{Rpc, RpcError};

/// What the endpoints said to a transaction. None of it says whether the transaction lands: receipts do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sent {
    /// At least one has taken it, or had it already.
    Taken,
    /// The nonce is used: by this transaction, by one it replaces, or by somebody else's.
    NonceUsed,
    /// It must pay more than the one it replaces, or than the block's base fee.
    Underpriced,
    /// The account cannot pay for it.
    Unfunded,
    /// Refused in words that are not known, by all.
    Refused(String),
    /// No endpoint answered; it may have arrived all the same.
    Unknown(String),
}

impl Sent {
    /// The meaning of a node's refusal. Nodes agree on no codes, so their words decide.
    fn from_refusal(message: &str) -> Self {
        let words = message.to_ascii_lowercase();
        let has = |any: &[&str]| any.iter().any(|part| words.contains(part));
        if has(&["already known", "already imported", "alreadyknown", "known transaction", "already in"]) {
            Self::Taken
        } else if has(&["nonce too low", "nonce is too low", "oldnonce", "invalid nonce"]) {
            Self::NonceUsed
        } else if has(&["underpriced", "less than block base fee", "fee cap less", "feetoolow", "fee too low"]) {
            Self::Underpriced
        } else if has(&["insufficient funds", "insufficientfunds", "insufficient balance"]) {
            Self::Unfunded
        } else {
            Self::Refused(message.to_owned())
        }
    }

    /// How much an answer says; the highest one of several endpoints is taken.
    fn rank(&self) -> u8 {
        match self {
            Self::Unknown(_) => 0,
            Self::Refused(_) => 1,
            Self::Unfunded => 2,
            Self::Underpriced => 3,
            Self::NonceUsed => 4,
            Self::Taken => 5,
        }
    }
}

impl Rpc {
    /// Gives a signed transaction to all endpoints in good standing (to the others when there is none), so that one that swallows it
    /// does not matter. Returns when one has taken it or all have answered; the rest goes on in the background.
    pub async fn send_raw(&self, raw: &[u8]) -> Sent {
        let mut to = self.shared.health().usable();
        if to.is_empty() {
            to = self.shared.health().order();
        }
        let parameters = json!([format!("0x{}", hex::encode(raw))]);
        let (answers, mut answered) = mpsc::channel(to.len().max(1));
        for number in to {
            let (shared, parameters, answers) = (self.shared.clone(), parameters.clone(), answers.clone());
            tokio::spawn(async move {
                let answer = shared.ask::<B256>(number, "eth_sendRawTransaction", &parameters).await;
                // Nobody listens any more once one has taken it.
                let _ = answers.send(outcome(answer)).await;
            });
        }
        drop(answers);
        let mut best = Sent::Unknown("no endpoint".to_owned());
        while let Some(sent) = answered.recv().await {
            if sent.rank() >= best.rank() {
                best = sent;
            }
            if best == Sent::Taken {
                break;
            }
        }
        best
    }
}

fn outcome(answer: Result<B256, RpcError>) -> Sent {
    match answer {
        Ok(_) => Sent::Taken,
        Err(RpcError::Refused { message, .. }) => Sent::from_refusal(&message),
        Err(error) => Sent::Unknown(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_of_several_kinds_of_nodes_are_understood() {
        let is = Sent::from_refusal;
        assert_eq!(is("already known"), Sent::Taken);
        assert_eq!(is("transaction already imported"), Sent::Taken);
        assert_eq!(is("nonce too low: next nonce 5, tx nonce 4"), Sent::NonceUsed);
        assert_eq!(is("replacement transaction underpriced"), Sent::Underpriced);
        assert_eq!(is("max fee per gas less than block base fee"), Sent::Underpriced);
        assert_eq!(is("Insufficient funds for gas * price + value"), Sent::Unfunded);
        assert_eq!(is("the mempool is full"), Sent::Refused("the mempool is full".to_owned()));
    }

    #[test]
    fn silence_says_less_than_any_answer() {
        let said = [Sent::Refused(String::new()), Sent::Unfunded, Sent::Underpriced, Sent::NonceUsed, Sent::Taken];
        assert!(said.iter().all(|sent| sent.rank() > Sent::Unknown(String::new()).rank()));
    }
}
