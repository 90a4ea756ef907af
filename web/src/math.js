// Runs in the server's own interpreter, never in a browser: TeX in, MathML out.
import temml from "temml"

globalThis.tex = (source, display) =>
  temml.renderToString(source, {displayMode: display, throwOnError: true, trust: false, strict: true, maxExpand: 200, maxSize: [20, 20]})
