// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

import {IProvingSidecar} from "../../src/sidecar/IProvingSidecar.sol";
import {IVersionRegistry} from "../../src/sidecar/IVersionRegistry.sol";
import {vm} from "../Vm.sol";
import "./SidecarTest.sol";

/// Random actors over one sidecar. A call that the sidecar refuses is undone with all that this contract wrote down, so what stands
/// here is what the sidecar took; from it the model in `SidecarModel` says what everyone must have.
abstract contract SidecarActions is SidecarTest {
    address[4] internal sequencers = [ALICE, BOB, CAROL, DAVE];
    address[3] internal provers = [PROVER, OTHER, ANYONE];
    address[8] internal accounts = [ALICE, BOB, CAROL, DAVE, PROVER, OTHER, ANYONE, SINK];

    /// What came in, and what each account drew.
    mapping(address token => uint256) internal taken;
    mapping(address token => mapping(address account => uint256)) internal drawn;
    /// Bonded: who is paid for a group. Multiproof: who shares it, and whether the parts are paid.
    mapping(uint64 height => mapping(uint32 group => address)) internal payee;
    mapping(uint64 height => mapping(uint32 group => address[])) internal sharing;
    mapping(uint64 height => mapping(uint32 group => bool)) internal tipPaid;
    mapping(uint64 height => mapping(uint32 group => bool)) internal rewardPaid;
    mapping(uint64 height => bool) internal rewarded;
    /// A group was taken as proven, or a height's reward drawn, a second time. Remembered, as a revert here would undo it.
    bool internal paidTwice;

    function propose(uint256 who, uint256 tenth, uint256 groups, bool inCoin, uint256 tip) external {
        (bool open, uint64 height,,,) = sidecar.next();
        if (!open) height = sidecar.lastHeight();
        address token = inCoin ? address(coin) : address(0);
        tip %= 10_000;
        propose(height, sequencers[who % 4], tenth % 10, 1 + groups % 4, token, tip);
        taken[token] += tip;
    }

    function reveal(uint256 who) external {
        reveal(sidecar.lastHeight(), sequencers[who % 4]);
    }

    /// Commits all groups of a proposal, or all but one.
    function commit(uint32 proposal, uint256 deposit, bool partly) external {
        uint64 height = sidecar.lastHeight();
        IProvingSidecar.ProposalView memory p = sidecar.proposalOf(height, proposal % 4);
        for (uint32 g = partly ? 1 : 0; g < p.groups; ++g) {
            uint256 amount = (MIN_DEPOSIT + p.groups - 1) / p.groups + deposit % MIN_DEPOSIT;
            commitOwn(height, proposal % 4, g, amount);
            taken[address(bond)] += amount;
        }
    }

    function submit(uint64 back, uint32 group, uint256 who, bool nameless) external {
        uint64 height = _back(back);
        IProvingSidecar.HeightView memory h = sidecar.heightOf(height);
        group %= h.groups;
        address beneficiary = nameless ? address(0) : provers[who % 3];
        bool inRescue = block.number + 3 >= sidecar.schedule(height)[5];
        uint256 before = prize.balanceOf(address(pool));
        prove(height, group, beneficiary, provers[(who >> 8) % 3]);
        _seeReward(height, before);
        if (_isBonded(height)) {
            if (payee[height][group] != address(0)) paidTwice = true;
            payee[height][group] = inRescue && !nameless ? beneficiary : PROVER;
        } else {
            sharing[height][group].push(beneficiary);
        }
    }

    function settle(uint64 back) external {
        _settle(_back(back));
    }

    function refund(uint64 back, uint32 proposal) external {
        sidecar.refund(_back(back), proposal % 4);
    }

    function share(uint64 back, uint32 group) external {
        uint64 height = _back(back);
        _share(height, group % sidecar.heightOf(height).groups);
    }

    function draw(uint256 who, uint256 which) external {
        _draw(accounts[who % 8], _token(which % 4));
    }

    function pass(uint256 blocks) external {
        vm.roll(block.number + 1 + blocks % 3);
    }

    /// Later heights get other rules: lengths of the phases, the strategy, one after the other or pipelined.
    function change(uint256 seed) external {
        if (seed % 4 != 0) return;
        IVersionRegistry.Version memory v = seed & 256 == 0 ? rules() : racing();
        v.proposalBlocks = 2;
        v.commitmentBlocks = seed & 256 == 0 ? 2 : 0;
        v.provingBlocks = uint32((seed >> 16) % 12);
        (v.submissionBlocks, v.rescueBlocks) = (3, 3);
        (v.pipelined, v.maxInFlight) = (seed & 512 == 0, uint32(1 + (seed >> 12) % 4));
        v.fixedWindow = seed & 1024 == 0;
        // Any bits of the seed will do.
        // forge-lint: disable-next-line(unsafe-typecast)
        v.depositWeightBps = uint16(seed >> 32);
        v.maxProposals = uint32(2 + (seed >> 48) % 3);
        use(v);
    }

    /// One height's proposals up to its winner, and proofs for it and the ones before. A step may be refused; the walk goes on.
    function walk(uint256 seed) external {
        act(abi.encodeCall(this.change, (seed)));
        for (uint256 i = 0; i < 1 + seed % 3; ++i) {
            act(abi.encodeCall(this.propose, (i, seed >> (8 * i), seed >> (i + 3), seed & 1 == 0, seed >> 7)));
        }
        act(abi.encodeCall(this.pass, (1)));
        for (uint256 i = 0; i < 3; ++i) {
            if ((seed >> (60 + i)) & 3 != 0) act(abi.encodeCall(this.reveal, (i)));
        }
        act(abi.encodeCall(this.pass, (1)));
        for (uint32 i = 0; i < 3; ++i) {
            if ((seed >> (70 + i)) & 3 != 0) {
                act(abi.encodeCall(this.commit, (i, seed >> 90, (seed >> 100) & 3 == 0)));
            }
        }
        act(abi.encodeCall(this.pass, (1)));
        for (uint32 i = 0; i < 16; ++i) {
            uint256 chance = uint256(keccak256(abi.encode(seed, "proof", i)));
            if (chance % 8 == 0) act(abi.encodeCall(this.pass, (chance >> 8)));
            act(abi.encodeCall(this.submit, (uint64(i / 6), i, chance >> 16, chance & 64 == 0)));
        }
        if (seed & 1 << 128 == 0) act(abi.encodeCall(this.draw, (seed >> 130, seed >> 140)));
        if (seed & 3 << 150 == 0) act(abi.encodeCall(this.pass, (seed >> 160)));
        // Any bits of the seed will do.
        // forge-lint: disable-next-line(unsafe-typecast)
        act(abi.encodeCall(this.refund, (uint64(seed >> 170), uint32(seed >> 180))));
    }

    function act(bytes memory call) private {
        (bool done,) = address(this).call(call);
        done;
    }

    function _settle(uint64 height) internal {
        uint256 before = prize.balanceOf(address(pool));
        sidecar.settle(height);
        _seeReward(height, before);
    }

    function _share(uint64 height, uint32 group) internal {
        uint256 before = prize.balanceOf(address(pool));
        sidecar.payShares(height, group);
        _seeReward(height, before);
        tipPaid[height][group] = true;
        if (rewarded[height]) rewardPaid[height][group] = true;
    }

    function _draw(address account, address token) internal {
        vm.prank(account);
        drawn[token][account] += sidecar.withdraw(token);
    }

    function _seeReward(uint64 height, uint256 before) private {
        uint256 paid = before - prize.balanceOf(address(pool));
        if (paid == 0) return;
        if (rewarded[height]) paidTwice = true;
        rewarded[height] = true;
        taken[address(prize)] += paid;
    }

    function _back(uint64 back) internal view returns (uint64) {
        uint64 last = sidecar.lastHeight();
        return last - back % (last < 4 ? last : 4);
    }

    function _token(uint256 which) internal view returns (address) {
        return [address(0), address(coin), address(bond), address(prize)][which];
    }

    function _isBonded(uint64 height) internal view returns (bool) {
        return versions.versionOf(sidecar.heightOf(height).version).strategy == bonded;
    }
}

/// What everyone must have, computed anew from the heights' ends and what the actors did.
contract SidecarHandler is SidecarActions {
    mapping(uint64 height => IProvingSidecar.Phase) private ended;
    mapping(address account => uint256) private entitled;

    constructor() {
        deploySidecar();
        IVersionRegistry.Version memory v = pipelined();
        (v.provingBlocks, v.submissionBlocks, v.rescueBlocks) = (6, 3, 3);
        use(v);
    }

    /// Funds in = funds out + held, for every token, and held is there.
    function checkConservation() external view {
        require(!paidTwice, "paid twice");
        for (uint256 t = 0; t < 4; ++t) {
            address token = _token(t);
            uint256 out = 0;
            for (uint256 i = 0; i < 8; ++i) {
                out += drawn[token][accounts[i]];
            }
            require(taken[token] == out + sidecar.held(token), "in = out + held");
        }
        isBacked();
    }

    /// Every height has at most one end, and keeps it; those that ended are never open again.
    function checkEnds() external {
        (uint64 head,) = sidecar.provenHead();
        uint64 open = 0;
        for (uint64 h = 1; h <= sidecar.lastHeight(); ++h) {
            IProvingSidecar.HeightView memory height = sidecar.heightOf(h);
            if (ended[h] != IProvingSidecar.Phase.None) require(height.phase == ended[h], "another end");
            if (height.phase >= IProvingSidecar.Phase.Proven) ended[h] = height.phase;
            else ++open;
            if (height.phase == IProvingSidecar.Phase.Proven) {
                require(h <= head && height.groupsProven == height.groups, "proven without proofs");
                require(height.parent == 0 || ended[height.parent] == IProvingSidecar.Phase.Proven, "on nothing");
            }
        }
        require(open <= 8, "open heights");
    }

    /// Tips: each account's credits and draws are what proofs, losses and leftovers entitle it to, no more and no less.
    function checkTips() external {
        checkTips(address(0));
        checkTips(address(coin));
    }

    function checkTips(address token) private {
        uint256 unpaid = 0;
        for (uint256 i = 0; i < 8; ++i) {
            entitled[accounts[i]] = 0;
        }
        for (uint64 h = 1; h <= sidecar.lastHeight(); ++h) {
            IProvingSidecar.HeightView memory height = sidecar.heightOf(h);
            for (uint32 p = 0; p < height.proposals; ++p) {
                IProvingSidecar.ProposalView memory proposal = sidecar.proposalOf(h, p);
                if (proposal.tipToken != token) continue;
                uint256 left = proposal.tip;
                if (p == height.winner) {
                    for (uint32 g = 0; g < height.groups; ++g) {
                        if (!sidecar.isProven(h, g)) continue;
                        uint256 part = proposal.tip / proposal.groups;
                        left -= part;
                        if (!payGroup(h, g, part)) unpaid += part;
                    }
                }
                if (proposal.refunded) entitled[proposal.sequencer] += left;
                else unpaid += left;
            }
        }
        uint256 credits = 0;
        for (uint256 i = 0; i < 8; ++i) {
            address account = accounts[i];
            uint256 credit = sidecar.withdrawable(token, account);
            require(credit + drawn[token][account] == entitled[account], "tip");
            credits += credit;
        }
        require(sidecar.held(token) == credits + unpaid, "tips held");
    }

    /// Entitles whom a proven group pays; false while its shares are not paid out.
    function payGroup(uint64 h, uint32 g, uint256 part) private returns (bool) {
        if (_isBonded(h)) {
            require(payee[h][g] != address(0), "proven by nobody");
            entitled[payee[h][g]] += part;
            return true;
        }
        if (!tipPaid[h][g]) return false;
        address[] storage all = sharing[h][g];
        entitled[all[0]] += part - part / all.length * (all.length - 1);
        for (uint256 i = 1; i < all.length; ++i) {
            entitled[all[i]] += part / all.length;
        }
        return true;
    }

    /// Deposits: each one is live, released or slashed; what is credited or drawn is what was released and slashed.
    function checkDeposits() external view {
        uint256 live = 0;
        uint256 released = 0;
        uint256 slashed = 0;
        for (uint64 h = 1; h <= sidecar.lastHeight(); ++h) {
            IProvingSidecar.HeightView memory height = sidecar.heightOf(h);
            for (uint32 p = 0; p < height.proposals; ++p) {
                IProvingSidecar.ProposalView memory proposal = sidecar.proposalOf(h, p);
                for (uint32 g = 0; g < proposal.groups; ++g) {
                    uint256 deposit = sidecar.commitmentOf(h, p, g).deposit;
                    if (p == height.winner && sidecar.isProven(h, g)) released += deposit;
                    else if (p == height.winner && height.phase == IProvingSidecar.Phase.Slashed) slashed += deposit;
                    else if (proposal.refunded) released += deposit;
                    else live += deposit;
                }
            }
        }
        uint256 credits = 0;
        uint256 out = 0;
        for (uint256 i = 0; i < 8; ++i) {
            credits += sidecar.withdrawable(address(bond), accounts[i]);
            out += drawn[address(bond)][accounts[i]];
        }
        require(credits + out == released + slashed, "released and slashed");
        require(sidecar.held(address(bond)) == live + credits, "deposits held");
    }

    /// Rewards: one for each height that drew it; what is not credited waits for multiproof shares.
    function checkRewards() external view {
        uint256 waiting = 0;
        uint256 heights = 0;
        for (uint64 h = 1; h <= sidecar.lastHeight(); ++h) {
            if (!rewarded[h]) continue;
            ++heights;
            IProvingSidecar.HeightView memory height = sidecar.heightOf(h);
            require(height.phase == IProvingSidecar.Phase.Proven, "reward without proof");
            if (_isBonded(h)) continue;
            for (uint32 g = 0; g < height.groups; ++g) {
                if (!rewardPaid[h][g]) waiting += BLOCK_REWARD * 4 / 10 / height.groups;
            }
        }
        uint256 credits = 0;
        for (uint256 i = 0; i < 8; ++i) {
            credits += sidecar.withdrawable(address(prize), accounts[i]);
        }
        require(taken[address(prize)] == heights * (BLOCK_REWARD + SUBMISSION_REWARD), "rewards drawn");
        require(sidecar.held(address(prize)) == credits + waiting, "rewards held");
    }

    /// Everything comes to its end: all heights do when their time is over, and then everyone can take what is theirs and nothing
    /// stays behind.
    function finish() external {
        vm.roll(block.number + 1000);
        uint64 last = sidecar.lastHeight();
        for (uint64 h = 1; h <= last; ++h) {
            _settle(h);
        }
        for (uint64 h = 1; h <= last; ++h) {
            IProvingSidecar.HeightView memory height = sidecar.heightOf(h);
            require(height.phase >= IProvingSidecar.Phase.Proven, "no end");
            for (uint32 p = 0; p < height.proposals; ++p) {
                sidecar.refund(h, p);
            }
            for (uint32 g = 0; g < height.groups && !_isBonded(h); ++g) {
                if (sidecar.isProven(h, g)) _share(h, g);
            }
        }
    }

    function drawEverything() external {
        for (uint256 t = 0; t < 4; ++t) {
            address token = _token(t);
            for (uint256 i = 0; i < 8; ++i) {
                if (sidecar.withdrawable(token, accounts[i]) != 0) _draw(accounts[i], token);
            }
            require(sidecar.held(token) == 0, "left behind");
        }
    }

    /// How many heights ended how; for the test that looks whether the random walk gets around.
    function census() external view returns (uint256[4] memory counts) {
        for (uint64 h = 1; h <= sidecar.lastHeight(); ++h) {
            IProvingSidecar.Phase end = sidecar.heightOf(h).phase;
            ++counts[end < IProvingSidecar.Phase.Proven ? 0 : uint256(end) - 6];
        }
    }
}
