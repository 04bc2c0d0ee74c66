// A small line without axes: the shape of a segment's period. Decoration: the numbers stand beside it.

interface Props {
    values: (number | null)[];
    width?: number;
    height?: number;
}

export function sparkPath(values: (number | null)[], width: number, height: number): string {
    const numbers = values.map((value) => value ?? 0);
    // The shape matters, not the height above 0; equal values are a line in the middle.
    const top = Math.max(...numbers), low = Math.min(...numbers);
    const span = top - low || 1;
    const ground = top === low ? height / 2 : height;
    const step = numbers.length > 1 ? width / (numbers.length - 1) : 0;
    return numbers.map((value, place) => `${place ? 'L' : 'M'}${(place * step).toFixed(1)} ${(ground - ((value - low) / span) * height).toFixed(1)}`).join('');
}

export function Spark({ values, width = 96, height = 24 }: Props) {
    if (values.length < 2) return <span class="spark" />;
    const line = sparkPath(values, width, height);
    return (
        <svg class="spark" viewBox={`-1 -2 ${width + 2} ${height + 4}`} preserveAspectRatio="none" aria-hidden="true" focusable="false">
            <path class="spark-area" d={`${line}L${width} ${height}L0 ${height}Z`} />
            <path class="spark-line" d={line} />
        </svg>
    );
}
