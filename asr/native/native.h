/* What every file of the library shares. */
#ifndef ASR_NATIVE_H
#define ASR_NATIVE_H

#include <stdint.h>

/* The number of the interface. Raise it here and in asr/native/__init__.py whenever a function or
 * a structure that Python knows changes, so that a library of another state is refused. */
#define ABI_VERSION 4

#define WORD_MASK 0xFFFFFFFFFFFFu /* the bits of a word's hash: MASK of asr/lm/word_hash.py */

/* Mark the functions that Python calls; all others stay inside the library. */
#if defined(_WIN32)
#define EXPORT __declspec(dllexport)
#else
#define EXPORT __attribute__((visibility("default")))
#endif

#endif
