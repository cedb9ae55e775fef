// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// Burns a part of every transfer: out of the amount (the receiver gets less), or on top of it (the sender loses more).
contract FeeToken is ERC20("Fee", "FEE") {
    uint256 public feeBps;
    bool public onTop;

    constructor(uint256 bps) {
        feeBps = bps;
    }

    function setFee(uint256 bps, bool chargeSender) external {
        feeBps = bps;
        onTop = chargeSender;
    }

    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }

    function _update(address from, address to, uint256 amount) internal override {
        uint256 fee = from == address(0) || to == address(0) ? 0 : amount * feeBps / 10_000;
        super._update(from, to, onTop ? amount : amount - fee);
        if (fee > 0) super._update(from, address(0), fee);
    }
}
