/** An address as a QR code, for the camera of another device. */
import { encode } from 'uqr'

interface Props {
  text: string
  /** What it is, for those who do not see it. */
  label: string
}

/** Dark on light in both themes: not every camera reads it the other way round. */
export function Qr({ text, label }: Props) {
  const { size, data } = encode(text, { ecc: 'M', border: 4 })
  return (
    <svg role="img" aria-label={label} viewBox={`0 0 ${size} ${size}`} width={240} height={240} shapeRendering="crispEdges">
      <rect width={size} height={size} fill="#fff" />
      <path fill="#000" d={outline(data)} />
    </svg>
  )
}

/** A square for each dark module. */
export function outline(data: boolean[][]): string {
  return data.flatMap((row, y) => row.map((isDark, x) => (isDark ? `M${x} ${y}h1v1h-1z` : ''))).join('')
}
