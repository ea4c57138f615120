/**
 * The look of the page: contents that stay (beside the text on a wide window, above it on a narrow one), tables whose
 * rows become blocks where there is no room for columns, the paper's figures beside ours where there is, and paper
 * without what only a screen can show. A shadow at the edge of a picture says that it goes on: what covers the shadow
 * moves with the picture, which lets it through as white does under multiplication.
 */
export const PAGE_STYLE = `
  :root { color-scheme: light; scroll-padding-top: 3.5rem; }
  * { box-sizing: border-box; }
  body { margin: 0; background: white; color: #222; overflow-wrap: break-word;
    font: 16px/1.5 Arimo, Arial, "Liberation Sans", Helvetica, sans-serif; }
  main { max-width: 62rem; margin: 0 auto; padding: 1rem; }
  h1 { font-size: 1.6rem; line-height: 1.25; }
  h2 { font-size: 1.15rem; margin: 3rem 0 .5rem; }
  a { color: #0072B2; }
  code { overflow-wrap: anywhere; }
  nav { position: sticky; top: 0; z-index: 1; background: white; border-bottom: 1px solid #ccc; }
  nav ul { display: flex; gap: 1.1rem; margin: 0; padding: .6rem 1rem; list-style: none; overflow-x: auto;
    white-space: nowrap; font-size: .88rem; }
  nav a { text-decoration: none; }
  nav a:hover { text-decoration: underline; }
  figure { margin: 0; }
  .picture { overflow-x: auto;
    background: linear-gradient(to right, white 40%, transparent) left / 3rem 100% no-repeat local,
      linear-gradient(to left, white 40%, transparent) right / 3rem 100% no-repeat local,
      linear-gradient(to right, #0005, transparent) left / 1rem calc(100% - 2px) no-repeat,
      linear-gradient(to left, #0005, transparent) right / 1rem calc(100% - 2px) no-repeat; }
  .picture > img, .picture > svg { display: block; height: auto; width: calc(1.5 * var(--width));
    max-width: 100%; min-width: calc(.85 * var(--width)); mix-blend-mode: multiply; }
  figcaption { max-width: 46rem; }
  .source { color: #555; font-size: .85rem; margin: .4rem 0 .8rem; }
  details.logs { font-size: .85rem; margin: .4rem 0 .8rem; }
  details.logs a { overflow-wrap: anywhere; }
  summary { cursor: pointer; }
  table { border-collapse: collapse; font-size: .88rem; width: 100%; }
  th, td { text-align: left; vertical-align: top; padding: .35rem 1rem .35rem 0; border-top: 1px solid #ddd; }
  th { font-weight: normal; }
  thead th { font-weight: bold; border-top: 0; border-bottom: 1px solid #444; }
  td { font-variant-numeric: tabular-nums; }
  .claims th[scope="row"] { width: 38%; }
  .claims td { width: 24%; }
  .claims td:last-child { width: auto; }
  .claims details p, .claims details ul { color: #444; margin: .4rem 0; }
  .claims details ul { padding-left: 1.2rem; }
  .verdict { font-weight: bold; white-space: nowrap; }
  .reproduced, .met { color: #00664B; }
  .partly, .open { color: #8A5A00; }
  .not-reproduced, .missed { color: #A33F00; }
  .not-testable-at-this-scale, .not-run-yet, .not-testable { color: #555; }
  .not-testable-at-this-scale { white-space: normal; }
  #pointed { position: fixed; z-index: 2; max-width: 20rem; padding: .3rem .6rem; background: white;
    border: 1px solid #888; font-size: .82rem; line-height: 1.35; pointer-events: none; overflow-wrap: anywhere; }
  #pointed[hidden] { display: none; }
  @media screen and (min-width: 75rem) {
    :root { scroll-padding-top: 1rem; }
    body { display: grid; grid-template-columns: 15rem minmax(0, 1fr); }
    nav { height: 100vh; overflow-y: auto; border: 0; border-right: 1px solid #ddd; }
    nav ul { display: block; padding: 1.2rem 1rem; white-space: normal; }
    nav li { margin-bottom: .35rem; }
    main { max-width: 90rem; width: 100%; }
    main > p, section > p { max-width: 62rem; }
    .pair { display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); column-gap: 1.5rem; }
    .pair .picture > * { min-width: calc(.8 * var(--width)); }
    .pair table { table-layout: fixed; }
    .pair thead th:nth-child(2) { width: 26%; }
    .pair thead th:nth-child(3) { width: 36%; }
  }
  @media (max-width: 40rem) {
    main { padding: .5rem; }
    thead { display: none; }
    table, tbody, tr, th, td, .claims th[scope="row"], .claims td { display: block; width: auto; border: 0; padding: 0; }
    tr { border-top: 1px solid #ddd; padding: .5rem 0; }
    td::before { content: attr(data-head) ": "; color: #555; }
    .verdict { white-space: normal; }
  }
  @media print {
    nav, #pointed, .logs { display: none; }
    body { font-size: 10pt; }
    main { max-width: none; padding: 0; }
    a { color: inherit; text-decoration: none; }
    h2 { break-after: avoid; }
    figure, tr { break-inside: avoid; }
    .picture > img, .picture > svg { min-width: 0; max-height: 16cm; width: auto; }
  }
`;
