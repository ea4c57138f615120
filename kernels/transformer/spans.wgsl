// Where a sequence lies among the tokens: from `first` to before `end`.

struct Span {
  first: u32,
  end: u32,
}
