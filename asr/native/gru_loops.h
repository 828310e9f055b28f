/* The loops of gru.c for vectors of LANES floats; they are included once for each size. */

#define INLINE TARGET static inline __attribute__((always_inline))
#define VECTOR NAME(Vector)
#define INTEGERS NAME(Integers)
#define PANEL (2 * LANES) /* columns of a product that are computed at once */

typedef float VECTOR __attribute__((vector_size(4 * LANES)));
typedef int32_t INTEGERS __attribute__((vector_size(4 * LANES)));

/* Read and write up to LANES floats; those that are left out are zero, or stay as they are. */
INLINE VECTOR NAME(load)(const float *from, int64_t count) {
    VECTOR result = {0};
    if (count >= LANES)
        memcpy(&result, from, sizeof result);
    else
        memcpy(&result, from, (size_t)count * sizeof(float));
    return result;
}

INLINE void NAME(store)(float *to, VECTOR value, int64_t count) {
    if (count >= LANES)
        memcpy(to, &value, sizeof value);
    else
        memcpy(to, &value, (size_t)count * sizeof(float));
}

INLINE VECTOR NAME(all)(float value) {
    return value - (VECTOR){0};
}

/* Return 1 / (1 + e^-x). The exponential is a power of two, which goes into the exponent's bits,
 * times a polynomial of what is left, at most ln(2) / 2 (expf of Cephes). Adding 1.5 * 2^23
 * rounds to a whole number. */
INLINE VECTOR NAME(logistic)(VECTOR x) {
    const VECTOR limit = NAME(all)(87.0f), rounder = NAME(all)(12582912.0f);
    const INTEGERS above = x > limit, below = x < -limit;
    x = (VECTOR)((above & (INTEGERS)limit) | (~above & (INTEGERS)x));
    x = (VECTOR)((below & (INTEGERS)-limit) | (~below & (INTEGERS)x));
    x = -x;
    const VECTOR shifted = MULTIPLY_ADD(x, NAME(all)(1.44269504f), rounder);
    const VECTOR power = shifted - rounder;
    x = MULTIPLY_ADD(power, NAME(all)(-0.693359375f), x);
    x = MULTIPLY_ADD(power, NAME(all)(2.12194440e-4f), x);
    VECTOR sum = MULTIPLY_ADD(NAME(all)(1.9875691500e-4f), x, NAME(all)(1.3981999507e-3f));
    sum = MULTIPLY_ADD(sum, x, NAME(all)(8.3334519073e-3f));
    sum = MULTIPLY_ADD(sum, x, NAME(all)(4.1665795894e-2f));
    sum = MULTIPLY_ADD(sum, x, NAME(all)(1.6666665459e-1f));
    sum = MULTIPLY_ADD(sum, x, NAME(all)(5.0000001201e-1f));
    sum = MULTIPLY_ADD(sum, x * x, x + 1.0f);
    const VECTOR exponential = (VECTOR)((INTEGERS)sum + ((INTEGERS)shifted << 23));
    return 1.0f / (1.0f + exponential);
}

/* Lay `weight` (columns, depth), or (depth, columns) if `transposed`, out in panels
 * (columns / PANEL, depth, PANEL) with zeros behind the last column. */
TARGET static void NAME(pack)(
    const float *weight, int64_t columns, int64_t depth, bool transposed, float *panels) {
    const int64_t column_step = transposed ? 1 : depth, depth_step = transposed ? columns : 1;
    for (int64_t first = 0; first < columns; first += PANEL)
        for (int64_t k = 0; k < depth; k++)
            for (int64_t j = first; j < first + PANEL; j++)
                *panels++ = j < columns ? weight[j * column_step + k * depth_step] : 0.0f;
}

/* Multiply `count` rows (depth,) by a panel, into `out` (count, stride). */
INLINE void NAME(tile)(
    const float *const *rows, int count, int64_t depth, const float *panel, float *out,
    int64_t stride) {
    VECTOR sums[ROWS][2];
#pragma GCC unroll 8
    for (int i = 0; i < count; i++)
        sums[i][0] = sums[i][1] = (VECTOR){0};
    for (int64_t k = 0; k < depth; k++, panel += PANEL) {
        const VECTOR left = NAME(load)(panel, LANES), right = NAME(load)(panel + LANES, LANES);
#pragma GCC unroll 8
        for (int i = 0; i < count; i++) {
            const VECTOR factor = NAME(all)(rows[i][k]);
            sums[i][0] = MULTIPLY_ADD(factor, left, sums[i][0]);
            sums[i][1] = MULTIPLY_ADD(factor, right, sums[i][1]);
        }
    }
#pragma GCC unroll 8
    for (int i = 0; i < count; i++) {
        NAME(store)(out + i * stride, sums[i][0], LANES);
        NAME(store)(out + i * stride + LANES, sums[i][1], LANES);
    }
}

/* Multiply `count` rows (depth,) by all panels, into `out` (count, stride). */
TARGET static void NAME(multiply)(
    const float *const *rows, int64_t count, int64_t depth, const float *panels, float *out,
    int64_t stride) {
    const int64_t blocks = (count + ROWS - 1) / ROWS;
    for (int64_t column = 0; column < stride; column += PANEL, panels += depth * PANEL)
        for (int64_t block = 0; block < blocks; block++) {
            const int64_t first = block * count / blocks, last = (block + 1) * count / blocks;
            const float *const *some = rows + first;
            float *to = out + first * stride + column;
            switch (last - first) { /* the number must be known when this is compiled */
                case 1: NAME(tile)(some, 1, depth, panels, to, stride); break;
                case 2: NAME(tile)(some, 2, depth, panels, to, stride); break;
                case 3: NAME(tile)(some, 3, depth, panels, to, stride); break;
                case 4: NAME(tile)(some, 4, depth, panels, to, stride); break;
                case 5: NAME(tile)(some, 5, depth, panels, to, stride); break;
                case 6: NAME(tile)(some, 6, depth, panels, to, stride); break;
#if ROWS > 6
                case 7: NAME(tile)(some, 7, depth, panels, to, stride); break;
                case 8: NAME(tile)(some, 8, depth, panels, to, stride); break;
#endif
            }
        }
}

TARGET static bool NAME(forward)(
    const Gru *layer, int64_t direction, int64_t first, int64_t last) {
    const int64_t hidden = layer->hidden, batch = last - first;
    const int64_t stride = (3 * hidden + PANEL - 1) / PANEL * PANEL;
    const float *bias = layer->bias + direction * 3 * hidden;
    const float **rows = malloc((size_t)batch * (sizeof *rows + sizeof(int64_t)));
    float *panels = malloc((size_t)(stride * (hidden + batch) + hidden) * sizeof(float));
    if (!rows || !panels) {
        free(rows);
        free(panels);
        return false;
    }
    int64_t *places = (int64_t *)(rows + batch);
    float *recurrent = panels + stride * hidden, *zeros = recurrent + stride * batch;
    memset(zeros, 0, (size_t)hidden * sizeof(float));
    NAME(pack)(layer->weight + direction * 3 * hidden * hidden, 3 * hidden, hidden, false, panels);
    for (int64_t step = 0; step < layer->frames; step++) {
        const int64_t frame = direction ? layer->frames - 1 - step : step;
        const int64_t before = direction ? frame + 1 : frame - 1;
        int64_t count = 0;
        for (int64_t b = first; b < last; b++) {
            const int64_t place = (b * layer->frames + frame) * layer->directions + direction;
            float *state = layer->states + place * hidden;
            if (frame >= layer->lengths[b]) {
                memset(state, 0, (size_t)hidden * sizeof(float));
                continue;
            }
            places[count] = place;
            rows[count++] = before < 0 || before >= layer->lengths[b]
                ? zeros
                : state + (before - frame) * layer->directions * hidden;
        }
        NAME(multiply)(rows, count, hidden, panels, recurrent, stride);
        for (int64_t i = 0; i < count; i++) {
            const float *product = layer->products + places[i] * 3 * hidden;
            const float *earlier = rows[i], *sums = recurrent + i * stride;
            float *gates = layer->gates + places[i] * 3 * hidden;
            float *candidates = layer->candidates + places[i] * hidden;
            float *states = layer->states + places[i] * hidden;
            for (int64_t j = 0; j < hidden; j += LANES) {
                const int64_t n = hidden - j;
                VECTOR sum[3], input[3];
                for (int gate = 0; gate < 3; gate++) {
                    const int64_t at = gate * hidden + j;
                    sum[gate] = NAME(load)(sums + at, n) + NAME(load)(bias + at, n);
                    input[gate] = NAME(load)(product + at, n);
                }
                const VECTOR reset = NAME(logistic)(input[0] + sum[0]);
                const VECTOR update = NAME(logistic)(input[1] + sum[1]);
                const VECTOR x = MULTIPLY_ADD(reset, sum[2], input[2]);
                const VECTOR new = 2.0f * NAME(logistic)(2.0f * x) - 1.0f; /* tanh */
                const VECTOR change = NAME(load)(earlier + j, n) - new;
                NAME(store)(gates + j, reset, n);
                NAME(store)(gates + hidden + j, update, n);
                NAME(store)(gates + 2 * hidden + j, new, n);
                NAME(store)(candidates + j, sum[2], n);
                NAME(store)(states + j, MULTIPLY_ADD(update, change, new), n);
            }
        }
    }
    free(rows);
    free(panels);
    return true;
}

TARGET static bool NAME(backward)(
    const Gru *layer, int64_t direction, int64_t first, int64_t last) {
    const int64_t hidden = layer->hidden, batch = last - first;
    const int64_t stride = (hidden + PANEL - 1) / PANEL * PANEL;
    const float **rows = malloc((size_t)batch * (sizeof *rows + sizeof(int64_t)));
    const int64_t room = stride * (3 * hidden + batch) + (4 * batch + 1) * hidden;
    float *panels = calloc((size_t)room, sizeof(float));
    if (!rows || !panels) {
        free(rows);
        free(panels);
        return false;
    }
    int64_t *sequences = (int64_t *)(rows + batch);
    float *through = panels + stride * 3 * hidden; /* gradients of states, by the products */
    float *carried = through + stride * batch;     /* gradients of states that come from later */
    float *gradients = carried + batch * hidden;   /* of the recurrent products */
    float *zeros = gradients + batch * 3 * hidden;
    NAME(pack)(layer->weight + direction * 3 * hidden * hidden, hidden, 3 * hidden, true, panels);
    for (int64_t step = 0; step < layer->frames; step++) {
        const int64_t frame = direction ? step : layer->frames - 1 - step;
        const int64_t before = direction ? frame + 1 : frame - 1;
        int64_t count = 0;
        for (int64_t b = first; b < last; b++) {
            const int64_t place = (b * layer->frames + frame) * layer->directions + direction;
            float *products = layer->products_gradient + place * 3 * hidden;
            float *candidates = layer->candidates_gradient + place * hidden;
            if (frame >= layer->lengths[b]) {
                memset(products, 0, 3 * (size_t)hidden * sizeof(float));
                memset(candidates, 0, (size_t)hidden * sizeof(float));
                continue;
            }
            const float *given = layer->states_gradient + place * hidden;
            const float *gates = layer->gates + place * 3 * hidden;
            const float *candidate = layer->candidates + place * hidden;
            const float *earlier = before < 0 || before >= layer->lengths[b]
                ? zeros
                : layer->states + (place + (before - frame) * layer->directions) * hidden;
            float *carry = carried + (b - first) * hidden;
            float *gradient = gradients + count * 3 * hidden;
            for (int64_t j = 0; j < hidden; j += LANES) {
                const int64_t n = hidden - j;
                const VECTOR total = NAME(load)(given + j, n) + NAME(load)(carry + j, n);
                const VECTOR reset = NAME(load)(gates + j, n);
                const VECTOR update = NAME(load)(gates + hidden + j, n);
                const VECTOR new = NAME(load)(gates + 2 * hidden + j, n);
                const VECTOR to_new = total * (1.0f - update) * (1.0f - new * new);
                const VECTOR change = NAME(load)(earlier + j, n) - new;
                const VECTOR to_update = total * change * update * (1.0f - update);
                const VECTOR to_reset =
                    to_new * NAME(load)(candidate + j, n) * reset * (1.0f - reset);
                const VECTOR to_candidate = to_new * reset;
                NAME(store)(products + j, to_reset, n);
                NAME(store)(products + hidden + j, to_update, n);
                NAME(store)(products + 2 * hidden + j, to_new, n);
                NAME(store)(candidates + j, to_candidate, n);
                NAME(store)(gradient + j, to_reset, n);
                NAME(store)(gradient + hidden + j, to_update, n);
                NAME(store)(gradient + 2 * hidden + j, to_candidate, n);
                NAME(store)(carry + j, total * update, n);
            }
            rows[count] = gradient;
            sequences[count++] = b - first;
        }
        NAME(multiply)(rows, count, 3 * hidden, panels, through, stride);
        for (int64_t i = 0; i < count; i++) {
            float *carry = carried + sequences[i] * hidden;
            for (int64_t j = 0; j < hidden; j++)
                carry[j] += through[i * stride + j];
        }
    }
    free(rows);
    free(panels);
    return true;
}

#undef SUFFIX
#undef LANES
#undef ROWS
#undef TARGET
#undef MULTIPLY_ADD
#undef INLINE
#undef VECTOR
#undef INTEGERS
#undef PANEL
