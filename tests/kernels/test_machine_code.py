import pytest

from kernels.machine_code import MachineCode, MachineCodeError, parse_gcn, parse_sass

SASS = """
Resource usage:
 Function forward_kernel:
  REG:56 STACK:8 SHARED:1024 LOCAL:0 CONSTANT[0]:640 TEXTURE:0 SURFACE:0 SAMPLER:0
\tcode for sm_90a
\t\tFunction : forward_kernel
        /*0000*/                   LDC R1, c[0x0][0x28] ;             /* 0x00000a00ff017b82 */
                                                                      /* 0x000ff00000000800 */
        /*0010*/              @!P0 LDG.E.128 R4, desc[UR4][R2.64] ;   /* 0x0000000402047981 */
        /*0020*/               @P0 LDG.E R8, desc[UR4][R2.64] ;       /* 0x0000000402047981 */
        /*0030*/                   STL.64 [R1], R4 ;                  /* 0x0000000402047981 */
        /*0040*/                   STG.E.64 desc[UR4][R2.64], R4 ;    /* 0x0000000402047981 */
        /*0050*/              @UP0 EXIT ;                             /* 0x000000000000794d */
        /*0060*/                   BRA 0x60;                          /* 0xfffffffc00fc7947 */
        /*0070*/                   NOP;                               /* 0x0000000000007918 */
"""

GCN = """
forward_kernel:
\ts_load_dwordx2 s[2:3], s[0:1], 0x0
\tglobal_load_dwordx4 v[14:17], v[2:3], off
\tglobal_load_ushort v1, v[2:3], off
\tbuffer_store_dword v0, v1, s[0:3], 0
\ts_endpgm
    .private_segment_fixed_size: 16
    .vgpr_count:     123
    .vgpr_spill_count: 2
"""


def test_sass():
    assert parse_sass(SASS) == MachineCode(
        registers=56, spill_bytes=8, stack_bytes=8, load_bits=128, store_bits=64, instructions=6
    )


def test_a_loop_cannot_be_counted():
    looped = SASS.replace("BRA 0x60", "BRA 0x10")
    with pytest.raises(MachineCodeError, match="a loop ends at 0060: instructions not countable"):
        parse_sass(looped)


def test_a_forward_jump_can():
    assert parse_sass(SASS.replace("BRA 0x60", "BRA 0x70")).instructions == 6


def test_gcn():
    assert parse_gcn(GCN) == MachineCode(
        registers=123, spill_bytes=8, stack_bytes=16, load_bits=128, store_bits=32, instructions=5
    )


@pytest.mark.parametrize("parse", [parse_sass, parse_gcn])
def test_text_without_a_kernel(parse):
    with pytest.raises(MachineCodeError, match="no kernel found"):
        parse("nothing here")
