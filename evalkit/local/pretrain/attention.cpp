// Attention over packed pieces on a CPU, forward and backward.
//
// A piece is a system text or a turn: the tokens [own, own_end) of the batch, each of which sees the
// tokens [shared, shared_end) (its document's system text; none for the system text itself) and its
// own piece up to itself. Dense attention under a mask would compute, at 8 rows of 1024 tokens, six
// times as many scores as are ever used.
//
// All arrays are fp32 and contiguous. query: (N, heads, SIZE); key, value: (N, kv_heads, SIZE);
// pieces: (P, 4) int64, rows (shared, shared_end, own, own_end), the pieces of a document together.

#include <ATen/Parallel.h>
#include <ATen/cpu/vec/functional.h>
#include <ATen/cpu/vec/vec.h>
#include <torch/library.h>
#include <torch/torch.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <tuple>
#include <vector>

namespace {

using Vec = at::vec::Vectorized<float>;
using at::Tensor;

constexpr int64_t LANES = Vec::size();
constexpr int64_t SIZE = 32;           // a head's width
constexpr int64_t COLUMNS = 32;        // columns of a register tile; key counts are padded to them
constexpr int64_t TILE_ROWS = 6;       // 6 x 32 floats: 12 AVX-512 registers of the 32
constexpr int64_t BLOCK = 36;          // tokens whose scores are computed together

// A matrix, or its transpose: element (i, j) is data[i * row + j * column].
struct View {
  const float* data;
  int64_t row, column;
};

// c[i, 0:COLUMNS] += sum over j < depth of a(i, j) * b[j, 0:COLUMNS], for ROWS rows.
template <int ROWS>
inline void tile(View a, const float* b, int64_t b_row, float* c, int64_t c_row, int64_t depth) {
  constexpr int64_t WIDTH = COLUMNS / LANES;
  Vec sum[ROWS][WIDTH];
  for (int i = 0; i < ROWS; i++)
    for (int64_t w = 0; w < WIDTH; w++) sum[i][w] = Vec::loadu(c + i * c_row + w * LANES);
  for (int64_t j = 0; j < depth; j++) {
    Vec right[WIDTH];
    for (int64_t w = 0; w < WIDTH; w++) right[w] = Vec::loadu(b + j * b_row + w * LANES);
    for (int i = 0; i < ROWS; i++) {
      const Vec left(a.data[i * a.row + j * a.column]);
      for (int64_t w = 0; w < WIDTH; w++) sum[i][w] = at::vec::fmadd(left, right[w], sum[i][w]);
    }
  }
  for (int i = 0; i < ROWS; i++)
    for (int64_t w = 0; w < WIDTH; w++) sum[i][w].store(c + i * c_row + w * LANES);
}

using Tile = void (*)(View, const float*, int64_t, float*, int64_t, int64_t);
constexpr Tile TILES[] = {nullptr, tile<1>, tile<2>, tile<3>, tile<4>, tile<5>, tile<6>};

// c (rows x columns) += a (rows x depth) * b (depth x columns); columns is a multiple of COLUMNS.
void multiply_add(View a, const float* b, int64_t b_row, float* c, int64_t c_row, int64_t rows, int64_t columns,
                  int64_t depth) {
  for (int64_t at = 0; at < columns; at += COLUMNS) {
    for (int64_t i = 0; i < rows; i += TILE_ROWS) {
      const auto some_rows = TILES[std::min(TILE_ROWS, rows - i)];
      some_rows({a.data + i * a.row, a.row, a.column}, b + at, b_row, c + i * c_row + at, c_row, depth);
    }
  }
}

int64_t up_to_columns(int64_t count) { return (count + COLUMNS - 1) / COLUMNS * COLUMNS; }

struct Piece {
  int64_t shared, shared_end, own, own_end;
  // The j-th token that the piece sees.
  int64_t token(int64_t j) const { return j < shared_end - shared ? shared + j : own + j - (shared_end - shared); }
};

// Where the pieces of each document begin in the table; one more at the end.
std::vector<int64_t> documents(const Piece* pieces, int64_t count) {
  std::vector<int64_t> first;
  for (int64_t p = 0; p < count; p++)
    if (p == 0 || pieces[p].shared != pieces[p - 1].shared) first.push_back(p);
  first.push_back(count);
  return first;
}

// One key head's view of the batch.
struct Head {
  int64_t group, heads, kv_heads, which;  // `group` query heads share key head `which`
  int64_t query_at(int64_t token, int64_t h) const { return (token * heads + which * group + h) * SIZE; }
  int64_t key_at(int64_t token) const { return (token * kv_heads + which) * SIZE; }
};

// The keys (or values) that a piece sees, gathered: shared ones first, then its own.
struct Gathered {
  int64_t count, padded;
  std::vector<float> straight, turned, sums;  // (padded, SIZE), (SIZE, padded); gradients, (padded, SIZE)

  void read(const float* source, const Piece& piece, const Head& head) {
    count = piece.shared_end - piece.shared + piece.own_end - piece.own;
    padded = up_to_columns(count);
    for (auto* array : {&straight, &turned, &sums}) array->assign(padded * SIZE, 0.f);
    for (int64_t j = 0; j < count; j++) {
      const float* from = source + head.key_at(piece.token(j));
      for (int64_t d = 0; d < SIZE; d++) straight[j * SIZE + d] = turned[d * padded + j] = from[d];
    }
  }

  void add_sums(float* target, const Piece& piece, const Head& head) const {
    for (int64_t j = 0; j < count; j++) {
      float* to = target + head.key_at(piece.token(j));
      for (int64_t d = 0; d < SIZE; d++) to[d] += sums[j * SIZE + d];
    }
  }
};

// A few queries of one piece and one head: tokens start..stop; the first of them sees `seen` keys
// and each further one a key more. `width` holds all of these.
struct Block {
  int64_t start, count, seen, width;
};

// Calls work(head, piece) for all pieces and key heads. A document's pieces stay on one thread,
// since their gradients meet in the system text's keys.
template <typename Work>
void for_each_piece(const Tensor& pieces, int64_t heads, int64_t kv_heads, const Work& work) {
  const auto* table = reinterpret_cast<const Piece*>(pieces.const_data_ptr<int64_t>());
  const auto first = documents(table, pieces.size(0));
  const int64_t tasks = (static_cast<int64_t>(first.size()) - 1) * kv_heads;
  std::atomic<int64_t> next{0};
  at::parallel_for(0, at::get_num_threads(), 1, [&](int64_t, int64_t) {
    for (int64_t task = next++; task < tasks; task = next++) {
      const Head head{heads / kv_heads, heads, kv_heads, task % kv_heads};
      for (int64_t p = first[task / kv_heads]; p < first[task / kv_heads + 1]; p++) work(head, table[p]);
    }
  });
}

// Calls work(block, query head within the group) for all queries of the piece.
template <typename Work>
void for_each_block(const Head& head, const Piece& piece, const Work& work) {
  const int64_t shared = piece.shared_end - piece.shared;
  for (int64_t start = piece.own; start < piece.own_end; start += BLOCK) {
    const int64_t count = std::min(BLOCK, piece.own_end - start), seen = shared + start - piece.own + 1;
    for (int64_t h = 0; h < head.group; h++) work(Block{start, count, seen, up_to_columns(seen + count - 1)}, h);
  }
}

// out (count x width) = left (rows of queries) * right (SIZE x width).
void scores(View left, const Gathered& right, const Block& block, std::vector<float>& out) {
  out.assign(block.count * block.width, 0.f);
  multiply_add(left, right.turned.data(), right.padded, out.data(), block.width, block.count, block.width, SIZE);
}

float largest(const float* line, int64_t width) {
  Vec top = Vec::loadu(line);
  for (int64_t j = LANES; j < width; j += LANES) top = at::vec::maximum(top, Vec::loadu(line + j));
  return at::vec::vec_reduce_all<float>([](Vec& x, Vec& y) { return at::vec::maximum(x, y); }, top);
}

// line = exp(line - top); returns the sum.
float exponentials(float* line, int64_t width, float top) {
  Vec sum(0.f);
  for (int64_t j = 0; j < width; j += LANES) {
    const Vec power = (Vec::loadu(line + j) - Vec(top)).exp_u20();
    power.store(line + j);
    sum = sum + power;
  }
  return at::vec::vec_reduce_all<float>([](Vec& x, Vec& y) { return x + y; }, sum);
}

// Queries are scaled by SIZE^-0.5 beforehand. Returns the mixed values and, for the way back, the
// logarithm of each softmax's denominator, (N, heads).
std::tuple<Tensor, Tensor> forward(const Tensor& query, const Tensor& key, const Tensor& value,
                                   const Tensor& pieces) {
  const int64_t heads = query.size(1), row = heads * SIZE;
  Tensor mixed = torch::zeros_like(query), log_sum = torch::zeros({query.size(0), heads});
  const float *q = query.const_data_ptr<float>(), *k = key.const_data_ptr<float>(), *v = value.const_data_ptr<float>();
  float *out = mixed.mutable_data_ptr<float>(), *logs = log_sum.mutable_data_ptr<float>();
  for_each_piece(pieces, heads, key.size(1), [&](const Head& head, const Piece& piece) {
    thread_local Gathered keys, values;
    thread_local std::vector<float> shares;
    keys.read(k, piece, head);
    values.read(v, piece, head);
    for_each_block(head, piece, [&](const Block& block, int64_t h) {
      const int64_t at = head.query_at(block.start, h);
      scores({q + at, row, 1}, keys, block, shares);
      float sums[BLOCK];
      for (int64_t i = 0; i < block.count; i++) {
        float* line = shares.data() + i * block.width;
        std::fill(line + block.seen + i, line + block.width, -INFINITY);
        const float top = largest(line, block.width);
        sums[i] = exponentials(line, block.width, top);
        logs[at / SIZE + i * heads] = top + std::log(sums[i]);
      }
      multiply_add({shares.data(), block.width, 1}, values.straight.data(), SIZE, out + at, row, block.count, SIZE,
                   block.width);
      for (int64_t i = 0; i < block.count; i++)
        for (int64_t d = 0; d < SIZE; d++) out[at + i * row + d] /= sums[i];
    });
  });
  return {mixed, log_sum};
}

// shares = softmax; slopes (gradients of the shares) become gradients of the scores.
void through_softmax(const Block& block, const float* logs, int64_t heads, const float* out, const float* d_out,
                     std::vector<float>& shares, std::vector<float>& slopes) {
  for (int64_t i = 0; i < block.count; i++) {
    float *share = shares.data() + i * block.width, *slope = slopes.data() + i * block.width;
    std::fill(share + block.seen + i, share + block.width, -INFINITY);
    exponentials(share, block.width, logs[i * heads]);
    float mean = 0.f;  // of the slopes, weighted by the shares; `out` is the values' mean, so weighted
    for (int64_t d = 0; d < SIZE; d++) mean += out[i * heads * SIZE + d] * d_out[i * heads * SIZE + d];
    for (int64_t j = 0; j < block.width; j += LANES)
      ((Vec::loadu(slope + j) - Vec(mean)) * Vec::loadu(share + j)).store(slope + j);
  }
}

std::tuple<Tensor, Tensor, Tensor> backward(const Tensor& gradient, const Tensor& query, const Tensor& key,
                                            const Tensor& value, const Tensor& pieces, const Tensor& mixed,
                                            const Tensor& log_sum) {
  const int64_t heads = query.size(1), row = heads * SIZE;
  Tensor d_query = torch::zeros_like(query), d_key = torch::zeros_like(key), d_value = torch::zeros_like(value);
  const float *q = query.const_data_ptr<float>(), *k = key.const_data_ptr<float>(), *v = value.const_data_ptr<float>();
  const float *out = mixed.const_data_ptr<float>(), *d_out = gradient.const_data_ptr<float>();
  const float* logs = log_sum.const_data_ptr<float>();
  float *dq = d_query.mutable_data_ptr<float>(), *dk = d_key.mutable_data_ptr<float>();
  float* dv = d_value.mutable_data_ptr<float>();
  for_each_piece(pieces, heads, key.size(1), [&](const Head& head, const Piece& piece) {
    thread_local Gathered keys, values;
    thread_local std::vector<float> shares, slopes;
    keys.read(k, piece, head);
    values.read(v, piece, head);
    for_each_block(head, piece, [&](const Block& block, int64_t h) {
      const int64_t at = head.query_at(block.start, h), count = block.count, width = block.width;
      scores({q + at, row, 1}, keys, block, shares);
      scores({d_out + at, row, 1}, values, block, slopes);
      through_softmax(block, logs + at / SIZE, heads, out + at, d_out + at, shares, slopes);
      multiply_add({slopes.data(), width, 1}, keys.straight.data(), SIZE, dq + at, row, count, SIZE, width);
      multiply_add({slopes.data(), 1, width}, q + at, row, keys.sums.data(), SIZE, width, SIZE, count);
      multiply_add({shares.data(), 1, width}, d_out + at, row, values.sums.data(), SIZE, width, SIZE, count);
    });
    keys.add_sums(dk, piece, head);
    values.add_sums(dv, piece, head);
  });
  return {d_query, d_key, d_value};
}

}  // namespace

TORCH_LIBRARY(evalkit, library) {
  library.def("attend(Tensor query, Tensor key, Tensor value, Tensor pieces) -> (Tensor, Tensor)");
  library.def(
      "attend_backward(Tensor gradient, Tensor query, Tensor key, Tensor value, Tensor pieces, Tensor mixed, "
      "Tensor log_sum) -> (Tensor, Tensor, Tensor)");
}

TORCH_LIBRARY_IMPL(evalkit, CPU, library) {
  library.impl("attend", &forward);
  library.impl("attend_backward", &backward);
}
