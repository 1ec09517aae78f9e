/** Bars that belong together, under one heading. */
export interface Group {
  readonly heading: string;
  readonly bars: readonly Bar[];
}

export interface Bar {
  readonly label: string;
  readonly value: number;
  /** Drawn in the colour of its own; the others are grey. */
  readonly isOwn: boolean;
}

const WIDTH = 720;
const LABEL = 210;
const VALUE = 90;
const ROW = 24;
const HEADING = 34;
const TITLE = 40;

/** A chart of horizontal bars as SVG text that reads well on light and on dark pages. */
export function barChart(title: string, unit: string, groups: readonly Group[]): string {
  const largest = Math.max(...groups.flatMap(({ bars }) => bars.map(({ value }) => value)));
  const parts: string[] = [];
  let y = TITLE;
  for (const { heading, bars } of groups) {
    parts.push(text(8, y + 22, heading, 'heading'));
    y += HEADING;
    for (const { label, value, isOwn } of bars) {
      const width = Math.max(1, Math.round((value / largest) * (WIDTH - LABEL - VALUE)));
      parts.push(
        text(LABEL - 8, y + 15, label, 'label'),
        `<rect class="${isOwn ? 'own' : 'other'}" x="${LABEL}" y="${y + 3}" width="${width}" height="${ROW - 7}" rx="2"/>`,
        text(LABEL + width + 6, y + 15, amount(value), 'value'),
      );
      y += ROW;
    }
  }
  const height = y + 16;
  const style = `text{font:13px system-ui,sans-serif;fill:#57606a}.title{font-size:15px;font-weight:600}.heading{font-weight:600}
.label{text-anchor:end}.own{fill:#1f77d0}.other{fill:#9aa4ae}`;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img">
<title>${escape(title)}</title><style>${style}</style>
${text(8, 24, `${title}, ${unit}`, 'title')}
${parts.join('\n')}
</svg>
`;
}

function text(x: number, y: number, content: string, kind: string): string {
  return `<text class="${kind}" x="${x}" y="${y}">${escape(content)}</text>`;
}

function amount(value: number): string {
  if (value >= 10_000) return `${Math.round(value / 1000)} k`;
  return value >= 100 ? String(Math.round(value)) : value.toPrecision(2);
}

function escape(content: string): string {
  return content.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
