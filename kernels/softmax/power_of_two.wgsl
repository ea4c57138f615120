// 2^x, which costs less than exp(x): there is no product with ln 2 in two parts.

// The smallest argument: its power counts as 0.
const SMALLEST_POWER = -127.0;

// 2^x for x from SMALLEST_POWER up to 127, to within about one unit in the last place; 0 at SMALLEST_POWER.
fn power_of_two(x: vec4f) -> vec4f {
  let n = round(x);
  let f = x - n;
  // The polynomial of Cephes' exp2f for |f| <= 1/2.
  var p = fma(vec4f(1.535336188e-4), f, vec4f(1.339887440e-3));
  p = fma(p, f, vec4f(9.618437357e-3));
  p = fma(p, f, vec4f(5.550332471e-2));
  p = fma(p, f, vec4f(2.402264791e-1));
  p = fma(p, f, vec4f(6.931472029e-1));
  p = fma(p, f, vec4f(1.0));
  // Added to 1.5 · 2^23, n + 127 stands in the lowest bits, from where it is moved to the exponent.
  return p * bitcast<vec4f>(bitcast<vec4u>(n + 12583039.0) << vec4u(23));
}
