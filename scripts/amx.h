/* Compiled into llama.cpp by scripts/setup.sh. gcc before 13.2 tells the optimiser that `ldtilecfg` reads 8 of its 64 bytes, so
 * llama.cpp's tile set-up is dropped and its AMX kernels die of SIGILL (ggml-org/llama.cpp#26954). This says all 64. */
#if defined(__AMX_TILE__) && !defined(LOCALSYNTH_AMX_H)
#define LOCALSYNTH_AMX_H
#include <immintrin.h>
#define _tile_loadconfig(config) __asm__ volatile("ldtilecfg %0" ::"m"(*(const char(*)[64])(config)))
#endif
