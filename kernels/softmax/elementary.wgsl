// Exponential and logarithm to within about one unit in the last place on every adapter: WGSL allows its
// own `exp` an error that grows with the argument, and its `log` an absolute error of 2^-21 near 1.

const LOG2_E = 1.44269504;
// ln 2 in two parts: n · LN2_HIGH is exact for |n| < 2^8.
const LN2_HIGH = 0.693359375;
const LN2_LOW = -2.12194440e-4;
// The smallest argument whose exponential is a normal number.
const SMALLEST_EXPONENT = -87.0;

// exp(x) for x <= 88; below SMALLEST_EXPONENT, -infinity included, the value there, which is 1.6e-38.
fn exp_up_to_88(argument: vec4f) -> vec4f {
  let x = max(argument, vec4f(SMALLEST_EXPONENT));
  let n = floor(fma(x, vec4f(LOG2_E), vec4f(0.5)));
  let r = fma(n, vec4f(-LN2_LOW), fma(n, vec4f(-LN2_HIGH), x));
  // The polynomial of Cephes' expf for |r| <= ln(2)/2.
  var p = fma(vec4f(1.9875691500e-4), r, vec4f(1.3981999507e-3));
  p = fma(p, r, vec4f(8.3334519073e-3));
  p = fma(p, r, vec4f(4.1665795894e-2));
  p = fma(p, r, vec4f(1.6666665459e-1));
  p = fma(p, r, vec4f(5.0000001201e-1));
  p = fma(p, r * r, r) + 1.0;
  return p * bitcast<vec4f>((vec4i(n) + 127) << vec4u(23));
}

// ln(x) for a normal x > 0.
fn log_of_positive(x: f32) -> f32 {
  // x = f · 2^e with f between 1/√2 and √2.
  let bits = bitcast<u32>(x) - 0x3f3504f3u;
  let e = f32(bitcast<i32>(bits) >> 23u);
  let f = bitcast<f32>((bits & 0x007fffffu) + 0x3f3504f3u);
  // ln f = 2·artanh(z), z = (f - 1) / (f + 1), |z| < 0.172.
  let z = (f - 1.0) / (f + 1.0);
  let w = z * z;
  var p = fma(w, 2.0 / 11.0, 2.0 / 9.0);
  p = fma(w, p, 2.0 / 7.0);
  p = fma(w, p, 2.0 / 5.0);
  p = fma(w, p, 2.0 / 3.0);
  let log_f = fma(z * w, p, 2.0 * z);
  return fma(e, LN2_HIGH, fma(e, LN2_LOW, log_f));
}
