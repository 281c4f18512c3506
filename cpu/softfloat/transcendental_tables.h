// Constants of the transcendental functions, computed to 700 bits and rounded to nearest.
#pragma once

#include <array>

#include "cpu/softfloat/wide.h"

namespace orrery::cpu::soft {

/// The fraction bits of 2/pi, most significant first.
inline constexpr std::array<u64, 5> kTwoOverPi{0xa2f9836e4e441529, 0xfc2757d1f534ddc0, 0xdb6295993c439041,
                                               0xfe5163abdebbc561, 0xb7246e3a424dd2e0};

// Significands of 128 bits; the exponent is that of the top bit.
inline constexpr u128 kPi = make128(0xc90fdaa22168c234, 0xc4c6628b80dc1cd1);              // * 2^(1 - 127)
inline constexpr u128 kThreeQuarterPi = make128(0x96cbe3f9990e91a7, 0x9394c9e8a0a5159d);  // * 2^(1 - 127)
inline constexpr u128 kLn2 = make128(0xb17217f7d1cf79ab, 0xc9e3b39803f2f6af);             // * 2^(-1 - 127)
inline constexpr u128 kTwoOverLn2 = make128(0xb8aa3b295c17f0bb, 0xbe87fed0691d3e89);      // * 2^(1 - 127)

/// atan(k / 16), k = 0 to 16, times 2^127.
inline constexpr std::array<u128, 17> kArctangents{
    make128(0x0000000000000000, 0x0000000000000000), make128(0x07fd56edcb3f7a71, 0xb6593c96e071706b),
    make128(0x0feadd4d5617b6e3, 0x2c897989f3e888ef), make128(0x17b97b4bce5b0226, 0x8f6169f103938e91),
    make128(0x1f5b75f92c80dd62, 0xadb8f3debef442fd), make128(0x26c4ee6e0fd7979a, 0x716aed26349ebcca),
    make128(0x2dec3283c9bde11c, 0xe2a8c848b73f9121), make128(0x34c9dd879847f96d, 0x909f257a40079c4e),
    make128(0x3b58ce0ac3769ed1, 0x5bf9117b2f0ea341), make128(0x4195fa536cc33f15, 0x25b504e5b0d28ae0),
    make128(0x47802eaf7bfacfcd, 0xae41af0b32e21ba4), make128(0x4d17c07338deed10, 0x21137c711027f9de),
    make128(0x525e3e8c9a7b8492, 0x0cd43f9522bed64f), make128(0x5756261c5a6c6040, 0x0a392f179f290385),
    make128(0x5c029f15e118cf39, 0xe596d2a90852221f), make128(0x606742dc56293320, 0x44eeb16237497d12),
    make128(0x6487ed5110b4611a, 0x62633145c06e0e69),
};

/// 2^(k / 32), k = 0 to 31, times 2^127.
inline constexpr std::array<u128, 32> kPowers{
    make128(0x8000000000000000, 0x0000000000000000), make128(0x82cd8698ac2ba1d7, 0x3e2a475b46520bff),
    make128(0x85aac367cc487b14, 0xc5c95b8c2154c1b2), make128(0x88980e8092da8527, 0x5df8d76c98c67563),
    make128(0x8b95c1e3ea8bd6e6, 0xfbe4628758a53c90), make128(0x8ea4398b45cd53c0, 0x2dc0144c8783d4c6),
    make128(0x91c3d373ab11c336, 0x0fd6d8e0ae5ac9d8), make128(0x94f4efa8fef70961, 0x2e8afad12551de54),
    make128(0x9837f0518db8a96f, 0x46ad23182e42f6f6), make128(0x9b8d39b9d54e5538, 0xa2a817a2a3cc3f1f),
    make128(0x9ef5326091a111ad, 0xa0911f09ebb9fdd1), make128(0xa27043030c496818, 0x9b7a04ef80cfdea8),
    make128(0xa5fed6a9b15138ea, 0x1cbd7f621710701b), make128(0xa9a15ab4ea7c0ef8, 0x541e24ec3531fa73),
    make128(0xad583eea42a14ac6, 0x4980a8c8f59a2ec4), make128(0xb123f581d2ac258f, 0x87d037e96d215d8e),
    make128(0xb504f333f9de6484, 0x597d89b3754abe9f), make128(0xb8fbaf4762fb9ee9, 0x1b879778566b65a2),
    make128(0xbd08a39f580c36be, 0xa8811fb66d0faf7a), make128(0xc12c4cca66709456, 0x7c457d59a50087b5),
    make128(0xc5672a115506dadd, 0x3e2ad0c964dd9f37), make128(0xc9b9bd866e2f27a2, 0x80e1f92a0511697e),
    make128(0xce248c151f8480e3, 0xe235838f95f2c6ed), make128(0xd2a81d91f12ae45a, 0x12248e57c3de4028),
    make128(0xd744fccad69d6af4, 0x39a68bb9902d3fde), make128(0xdbfbb797daf23755, 0x3d840d5a9e29aa64),
    make128(0xe0ccdeec2a94e111, 0x065895048dd333ca), make128(0xe5b906e77c8348a8, 0x1e5e8f4a4edbb0ed),
    make128(0xeac0c6e7dd24392e, 0xd02d75b3706e54fb), make128(0xefe4b99bdcdaf5cb, 0x46561cf6948db913),
    make128(0xf5257d152486cc2c, 0x7b9d0c7aed980fc3), make128(0xfa83b2db722a033a, 0x7c25bb14315d7fcd),
};

/// |log2(j / 64)|, j = 45 to 91, times 2^127; negative below 64.
inline constexpr unsigned kFirstLogarithm = 45;
inline constexpr std::array<u128, 47> kLogarithms{
    make128(0x410af52e69f26263, 0xcd9cfff75e149b95), make128(0x3cfbebfca715669d, 0xf6a2b59276887aac),
    make128(0x39033b85a8bfc871, 0x2bb1588cc9e47f8e), make128(0x351ff2e30214bc30, 0x2ffa76fafcba2917),
    make128(0x315130157f7a64cc, 0xd536fc5bec1a57b9), make128(0x2d961ed0cb91d406, 0xdb502402c94092cd),
    make128(0x29edf7659d8b30f1, 0xc9d0b5ca5a8e7bb6), make128(0x2657fdc6e1dcd0cb, 0x4492f1bc6b3e5771),
    make128(0x22d380a6c7e2b0e4, 0x6a1f00babcdb8b0a), make128(0x1f5fd8a9063e3490, 0x8fef64f0f62e7b46),
    make128(0x1bfc67a7fff4cc06, 0xf02bdee0b9f5de07), make128(0x18a8980abfbd3266, 0x6a9b7e2df60d2bdc),
    make128(0x1563dc29ffacb20c, 0x8720de5377caf325), make128(0x122dadc2ab3496d2, 0xd23af3271ce44c70),
    make128(0x0f058d74797eab32, 0x59d2c6d9213f3f84), make128(0x0beb024b67dda633, 0x9da288fc615a727e),
    make128(0x08dd9953002a4e86, 0x631514aef39ce630), make128(0x05dce53276563557, 0x7970e03f821c75d6),
    make128(0x02e87dd0c3e6aac6, 0xca906c23ef817e0b), make128(0x0000000000000000, 0x0000000000000000),
    make128(0x02dcf2d0b85a4531, 0x4dc4fc4230215f29), make128(0x05aeb4dd63bf61cc, 0x4d81bc25adf04248),
    make128(0x08759c4fd14fcd59, 0xe7ba5d5ccc90b833), make128(0x0b31fb7d64898b3e, 0x6629c130a22bad62),
    make128(0x0de4212056d5dd31, 0xd962d3728cbd5c3d), make128(0x108c588cda79e396, 0x27bc6fd0a5528abd),
    make128(0x132ae9e278ae1a1f, 0x51f2c075a74ba64e), make128(0x15c01a39fbd6879f, 0xa00b120a068badd1),
    make128(0x184c2bd02f03b2fd, 0xd2248ee763a9570f), make128(0x1acf5e2db4ec93ef, 0xe11ecbc0183634b5),
    make128(0x1d49ee4c32596fc8, 0xf4b565023a05441c), make128(0x1fbc16b902680a23, 0xa8d998a784ef35f2),
    make128(0x22260fb5a616eb96, 0x12e0b4f2b49d3f83), make128(0x24880f561c0e7304, 0x8b72974898077f78),
    make128(0x26e2499d499bd9b3, 0x2266d92c0fdc8c37), make128(0x2934f0979a3715fc, 0x9257edfe9b5fb69a),
    make128(0x2b803473f7ad0f3f, 0x401624140d175ba2), make128(0x2dc4439b3a19bcaf, 0x1aa41689ee078886),
    make128(0x30014ac62c38a865, 0x5d6c13e9bef5911b), make128(0x323775123e2e1169, 0x656a0ad70d38ab0c),
    make128(0x3466ec14fec0a13a, 0xf881af2f3d8b63fc), make128(0x368fd7ee71054148, 0x28ddf1fb144f1d5c),
    make128(0x38b25f5a52b6acfc, 0xfdca95dde6618a78), make128(0x3acea7c065d41dfc, 0x7d7c3320aaaa6b60),
    make128(0x3ce4d543cea9a418, 0xa33c25e8e22666af), make128(0x3ef50ad1960d9d9c, 0x32630008a1eb646b),
    make128(0x40ff6a2e5e65fcce, 0x50d190159eb47cb3),
};

}  // namespace orrery::cpu::soft
