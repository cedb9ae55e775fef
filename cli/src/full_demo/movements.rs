//! What everybody had, has, and why: L1's own events explain each difference to the last unit.

use std::collections::BTreeMap;

use proofyard_settlement::{
    alloy::primitives::{Address, I256, U256},
    chain::Log,
    config::{EndpointConfig, L1Config},
    contracts::bindings::IProvingSidecar::IProvingSidecarEvents as Sidecar,
    sidecar_client::{
        SidecarClient,
        events::{self, L1Event},
    },
    watcher::{Change, Watcher},
};
use serde_json::{Value, json};

use super::cast::{PROVERS, Party, SEQUENCER, TREASURY};
use crate::{failure::Failure, l1::shown_units};

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Coin {
    /// Ether: tips, prices, gas.
    Eth,
    /// The token of deposits.
    Deposits,
    /// The token of rewards.
    Rewards,
}

impl Coin {
    const ALL: [Self; 3] = [Self::Eth, Self::Deposits, Self::Rewards];

    fn symbol(self) -> &'static str {
        match self {
            Self::Eth => "ETH",
            Self::Deposits => "PYD",
            Self::Rewards => "PYR",
        }
    }
}

/// A party and what it holds things in.
type Purse = (Address, Coin);

/// What everybody has at one L1 block: in the wallet, in escrow, and credited by the sidecar.
pub struct Wealth {
    block: u64,
    has: BTreeMap<Purse, U256>,
}

/// One reason for a difference.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Reason {
    height: u64,
    why: &'static str,
}

/// All that changed between two blocks.
pub struct Account {
    parties: Vec<Party>,
    opening: Wealth,
    closing: Wealth,
    moved: BTreeMap<Purse, BTreeMap<Reason, I256>>,
}

fn parties(client: &SidecarClient) -> Vec<Party> {
    let pool = Party {
        name: "reward pool",
        role: "pays block and submission rewards from what it holds",
        address: client.deployment().reward_pool,
        key: "",
    };
    vec![SEQUENCER, PROVERS[0], PROVERS[1], TREASURY, pool]
}

fn signed(amount: U256) -> I256 {
    // No supply here is near 2^255.
    I256::try_from(amount).unwrap_or(I256::MAX)
}

impl Wealth {
    /// Looks at L1. Nothing may be sent meanwhile.
    pub async fn read(client: &SidecarClient) -> Result<Self, Failure> {
        let deployment = client.deployment();
        let mut has = BTreeMap::new();
        for party in parties(client) {
            for coin in Coin::ALL {
                let token = match coin {
                    Coin::Eth => Address::ZERO,
                    Coin::Deposits => deployment.deposit_token,
                    Coin::Rewards => deployment.reward_token,
                };
                let mut sum = client.balance(token, party.address).await?;
                sum += client.withdrawable(token, party.address).await?;
                if coin == Coin::Deposits {
                    sum += client.escrow_available(token, party.address).await?;
                }
                has.insert((party.address, coin), sum);
            }
        }
        let head = client.rpc().head().await.map_err(|error| Failure::Environment(error.to_string()))?;
        Ok(Self { block: head.number, has })
    }
}

/// What is known of a height. Blocks have one group here.
#[derive(Default)]
struct Height {
    payer: Address,
    price: U256,
    rescuer: Option<Address>,
    is_price_paid: bool,
}

impl Height {
    fn note(heights: &mut BTreeMap<u64, Self>, event: &Sidecar) {
        match event {
            Sidecar::Committed(event) => {
                let height = heights.entry(event.height).or_default();
                (height.payer, height.price) = (event.payer, event.price);
            }
            Sidecar::GroupProven(event) if event.rescued => {
                heights.entry(event.height).or_default().rescuer = Some(event.beneficiary);
            }
            _ => {}
        }
    }
}

impl Account {
    /// Reads all events between two looks.
    pub async fn draw_up(client: &SidecarClient, url: &str, opening: Wealth, closing: Wealth) -> Result<Self, Failure> {
        let mut account = Self { parties: parties(client), opening, closing, moved: BTreeMap::new() };
        let logs = account.logs(client, url).await?;
        let mut events = Vec::new();
        for log in &logs {
            let decoded = events::decode(client.deployment(), log);
            if let Some(L1Event::Sidecar(event)) = decoded.map_err(|error| Failure::Environment(error.to_string()))? {
                events.push(event);
            }
        }
        let mut heights = BTreeMap::new();
        // A group is called proven after its money has moved.
        for event in &events {
            Height::note(&mut heights, event);
        }
        for event in &events {
            account.take(client, event, &mut heights);
        }
        account.gas(client).await?;
        Ok(account)
    }

    async fn logs(&self, client: &SidecarClient, url: &str) -> Result<Vec<Log>, Failure> {
        let mut config = L1Config { endpoints: vec![EndpointConfig::url(url)], ..L1Config::default() };
        config.chain_id = client.rpc().chain_id();
        config.watcher.first_block = self.opening.block + 1;
        let mut watcher = Watcher::new(client.rpc().clone(), &config, vec![client.deployment().sidecar]);
        let mut changes = Vec::new();
        while watcher.tip().is_none_or(|tip| tip.number < self.closing.block) {
            watcher.poll(&mut changes).await.map_err(|error| Failure::Environment(error.to_string()))?;
        }
        let mut all = Vec::new();
        for change in changes {
            match change {
                Change::History { logs, .. } | Change::Applied { logs, .. } => all.extend(logs),
                // The demo's chain has one node and no reorgs.
                Change::Reverted { .. } | Change::Resync { .. } => all.clear(),
            }
        }
        all.retain(|log| log.block_number > self.opening.block && log.block_number <= self.closing.block);
        Ok(all)
    }

    fn moved(&mut self, who: Address, coin: Coin, height: u64, why: &'static str, amount: I256) {
        if !amount.is_zero() && self.parties.iter().any(|party| party.address == who) {
            *self.moved.entry((who, coin)).or_default().entry(Reason { height, why }).or_default() += amount;
        }
    }

    fn take(&mut self, client: &SidecarClient, event: &Sidecar, heights: &mut BTreeMap<u64, Height>) {
        let deployment = client.deployment();
        match event {
            Sidecar::Proposed(event) => {
                self.moved(event.sequencer, Coin::Eth, event.height, "tip held by the contract", -signed(event.tip));
            }
            Sidecar::Committed(event) => {
                self.moved(event.payer, Coin::Deposits, event.height, "deposit bound", -signed(event.deposit));
            }
            Sidecar::Credited(event) => {
                let height: &mut Height = heights.entry(event.height).or_default();
                let amount = signed(event.amount);
                let (coin, why) = if event.token == deployment.deposit_token {
                    if event.account == height.payer {
                        (Coin::Deposits, "deposit freed")
                    } else if height.rescuer == Some(event.account) {
                        (Coin::Deposits, "penalty of the rescued prover")
                    } else {
                        (Coin::Deposits, "slashed deposit")
                    }
                } else if event.token == deployment.reward_token {
                    self.moved(deployment.reward_pool, Coin::Rewards, event.height, "rewards paid", -amount);
                    (Coin::Rewards, "rewards")
                } else if event.amount == height.price && !height.is_price_paid && height.price > U256::ZERO {
                    height.is_price_paid = true;
                    (Coin::Eth, if height.rescuer.is_some() { "price, for the rescue" } else { "price of the proof" })
                } else {
                    (Coin::Eth, "rest of the tip")
                };
                self.moved(event.account, coin, event.height, why, amount);
            }
            _ => {}
        }
    }

    /// What transactions cost, from the receipts of every block.
    async fn gas(&mut self, client: &SidecarClient) -> Result<(), Failure> {
        for number in self.opening.block + 1..=self.closing.block {
            let receipts = client.rpc().receipts_in(number).await;
            for receipt in receipts.map_err(|error| Failure::Environment(error.to_string()))? {
                let cost = U256::from(receipt.gas_used) * U256::from(receipt.effective_gas_price);
                self.moved(receipt.from, Coin::Eth, 0, "gas", -signed(cost));
            }
        }
        Ok(())
    }

    fn before(&self, purse: Purse) -> U256 {
        self.opening.has.get(&purse).copied().unwrap_or_default()
    }

    fn after(&self, purse: Purse) -> U256 {
        self.closing.has.get(&purse).copied().unwrap_or_default()
    }

    /// Differences that the events do not explain; there must be none.
    pub fn unexplained(&self) -> Vec<String> {
        let purses = self.parties.iter().flat_map(|party| Coin::ALL.map(|coin| (party, coin)));
        let wrong = purses.filter_map(|(party, coin)| {
            let purse = (party.address, coin);
            let moved = self.moved.get(&purse).map_or(I256::ZERO, |reasons| reasons.values().copied().sum());
            let rest = signed(self.after(purse)) - signed(self.before(purse)) - moved;
            (!rest.is_zero()).then(|| format!("{}: {} {}", party.name, shown(rest), coin.symbol()))
        });
        wrong.collect()
    }

    /// For people: a block of lines for each party.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for party in &self.parties {
            lines.push(format!("{} ({}), {:#x}", party.name, party.role, party.address));
            for coin in Coin::ALL {
                let purse = (party.address, coin);
                let (before, after) = (self.before(purse), self.after(purse));
                let Some(reasons) = self.moved.get(&purse) else { continue };
                let difference = signed(after) - signed(before);
                let (symbol, after) = (coin.symbol(), shown_units(after));
                lines.push(format!("  {symbol} {:>26}  now {after}", shown(difference)));
                for (reason, amount) in reasons {
                    let height = if reason.height == 0 { String::new() } else { format!("height {}: ", reason.height) };
                    lines.push(format!("      {:>26}  {height}{}", shown(*amount), reason.why));
                }
            }
        }
        lines
    }

    /// For programs.
    pub fn to_json(&self) -> Value {
        let of = |party: &Party| {
            let coins: serde_json::Map<String, Value> = Coin::ALL
                .into_iter()
                .map(|coin| {
                    let purse = (party.address, coin);
                    let moved = self.moved.get(&purse).into_iter().flatten().map(|(reason, amount)| {
                        let height = (reason.height != 0).then_some(reason.height);
                        json!({"height": height, "why": reason.why, "amount": amount.to_string()})
                    });
                    let moved: Vec<Value> = moved.collect();
                    let (before, after) = (self.before(purse).to_string(), self.after(purse).to_string());
                    (coin.symbol().to_owned(), json!({"before": before, "after": after, "moved": moved}))
                })
                .collect();
            json!({"name": party.name, "role": party.role, "address": party.address, "balances": coins})
        };
        self.parties.iter().map(of).collect()
    }
}

fn shown(amount: I256) -> String {
    let sign = if amount.is_negative() { "-" } else { "+" };
    format!("{sign}{}", shown_units(amount.unsigned_abs()))
}
