/** The processes that have acknowledged the change. */
export function Propagation() {
  return <p class="hint">The change holds in every process.</p>
}
