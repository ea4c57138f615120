/** A running sum whose rounding error does not grow with the number of terms (Neumaier 1974). */
export class CompensatedSum {
  #sum = 0;
  #lost = 0;

  /** Adds one term. */
  add(term: number): void {
    const sum = this.#sum + term;
    this.#lost += Math.abs(this.#sum) >= Math.abs(term)
      ? (this.#sum - sum) + term
      : (term - sum) + this.#sum;
    this.#sum = sum;
  }

  /** The sum of all terms so far. */
  get value(): number {
    return this.#sum + this.#lost;
  }
}
