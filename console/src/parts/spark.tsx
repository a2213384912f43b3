/** A few numbers in a row, as small bars. What they say is in its label, too. */
interface Props {
  values: readonly number[]
  label: string
  width?: number
  height?: number
}

export function Spark({ values, label, width = 96, height = 22 }: Props) {
  const step = width / Math.max(values.length, 1)
  return (
    <svg width={width} height={height} viewBox={`0 0 ${width} ${height}`} role="img" aria-label={label} display="block" style={{ flexShrink: 0 }}>
      <title>{label}</title>
      <line x1={0} x2={width} y1={height - 0.5} y2={height - 0.5} stroke="currentColor" strokeOpacity={0.3} />
      {heights(values, height - 2).map((high, index) => (
        <rect key={index} x={index * step} y={height - 1 - high} width={Math.max(step - 1, 1)} height={high} fill="var(--mantine-primary-color-filled)" />
      ))}
    </svg>
  )
}

/** How high each bar is: the largest takes all, and what is not nothing is seen. */
export function heights(values: readonly number[], height: number): number[] {
  const most = Math.max(...values, 0)
  return values.map((value) => (value <= 0 || most === 0 ? 0 : Math.max(1.5, (value / most) * height)))
}
