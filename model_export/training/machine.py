"""What the machine is made for."""

import torch


def calculates_in_bf16() -> bool:
    """Whether bfloat16 is in the hardware; where it is not, it is slower than float32."""
    if torch.cuda.is_available():
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    able = torch.cpu.get_capabilities()
    return bool(able.get("avx512_bf16") or able.get("amx_bf16") or able.get("bf16"))
