/**
 * Returns the faults in the layout of the document, each as one line. It runs in a page.
 *
 * @returns {string[]}
 */
export function findLayoutFaults() {
  const { document, getComputedStyle, NodeFilter } = globalThis
  const root = document.documentElement
  const width = root.clientWidth
  const faults = []
  const say = (text) => JSON.stringify(text.trim().replaceAll(/\s+/g, ' ').slice(0, 60))

  const isShown = (element) =>
    element.checkVisibility({ opacityProperty: true, visibilityProperty: true, contentVisibilityAuto: true })
  const ancestorsOf = (element) => {
    const found = []
    for (let at = element; at !== null && at !== root; at = at.parentElement) found.push(at)
    return found
  }
  const cuts = (value) => value === 'hidden' || value === 'clip'
  const scrolls = (value) => value === 'auto' || value === 'scroll'
  // For screen readers only: a box of one pixel, or one outside of the window until it has focus.
  const isForReaders = (element) =>
    ancestorsOf(element).some((at) => {
      const { width: wide, height: high, left, right, bottom } = at.getBoundingClientRect()
      const { overflowX, position } = getComputedStyle(at)
      // To the right, the browser does not scroll there in a page that is written from right to left.
      const isOutside = right <= 0 || bottom <= 0 || left >= width
      return (cuts(overflowX) && (wide <= 1 || high <= 1)) || (position === 'absolute' && isOutside)
    })

  // The box of a glyph is higher than the line, so that boxes of two lines may overlap.
  const middleOf = ({ left, right, top, bottom }) => {
    const spare = (bottom - top) / 4
    return { left, right, top: top + spare, bottom: bottom - spare }
  }

  // The rest of the page is behind a modal dialog and cannot be used.
  const modal = [...document.querySelectorAll('dialog:modal')].at(-1)
  const isBehind = (element) => modal !== undefined && !modal.contains(element)

  // The part of a box that its scrolling ancestors show; undefined if they show none of it.
  const shownPart = (rect, element) => {
    let { left, right, top, bottom } = rect
    for (const at of ancestorsOf(element)) {
      const { overflowX, overflowY } = getComputedStyle(at)
      if (!scrolls(overflowX) && !scrolls(overflowY)) continue
      const frame = at.getBoundingClientRect()
      left = Math.max(left, frame.left)
      right = Math.min(right, frame.right)
      top = Math.max(top, frame.top)
      bottom = Math.min(bottom, frame.bottom)
    }
    return left < right && top < bottom ? { left, right, top, bottom } : undefined
  }

  const boxes = []
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
  while (texts.nextNode()) {
    const node = texts.currentNode
    const element = node.parentElement
    if (node.data.trim() === '' || !isShown(element) || isForReaders(element) || isBehind(element)) continue
    if (element.closest('script, style, noscript, option, textarea, title') !== null) continue
    const range = document.createRange()
    range.selectNodeContents(node)
    const name = `text ${say(node.data)}`
    for (const rect of range.getClientRects()) {
      if (rect.width > 0 && rect.height > 0) boxes.push({ node, element, name, isText: true, rect: middleOf(rect) })
    }
  }
  for (const element of document.querySelectorAll('input:not([type=hidden]), button, select, textarea, img, svg')) {
    if (!isShown(element) || isForReaders(element) || isBehind(element)) continue
    const name = `${element.localName} ${say(element.getAttribute('name') ?? element.textContent)}`
    boxes.push({ node: element, element, name, isText: false, rect: element.getBoundingClientRect() })
  }

  if (root.scrollWidth > width) {
    const widest = boxes.toSorted((a, b) => b.rect.right - a.rect.right)[0]
    faults.push(`scrolls sideways: ${root.scrollWidth} px in ${width} px; the last is ${widest?.name}`)
  }

  for (const { element, name, isText, rect } of boxes) {
    const ancestors = ancestorsOf(isText ? element : element.parentElement)
    const styles = ancestors.map((at) => [at, getComputedStyle(at)])
    if (!styles.some(([, { overflowX }]) => scrolls(overflowX)) && (rect.left < -1 || rect.right > width + 1)) {
      faults.push(`${name} leaves the window: ${Math.round(rect.left)} to ${Math.round(rect.right)} of ${width} px`)
    }
    for (const [at, { overflowX, overflowY }] of styles) {
      if (scrolls(overflowX) || scrolls(overflowY)) break
      const frame = at.getBoundingClientRect()
      const isCutX = cuts(overflowX) && (rect.left < frame.left - 1 || rect.right > frame.right + 1)
      const isCutY = cuts(overflowY) && (rect.top < frame.top - 1 || rect.bottom > frame.bottom + 1)
      if (isCutX || isCutY) faults.push(`${name} is cut off by ${at.localName}`)
    }
  }
  for (const element of document.querySelectorAll('button, input[type=submit], input[type=button]')) {
    if (isShown(element) && element.scrollWidth > element.clientWidth + 1) {
      faults.push(`${element.localName} ${say(element.value || element.textContent)} cuts its text off`)
    }
  }

  const covers = ({ shown: a }, { shown: b }) =>
    a !== undefined &&
    b !== undefined &&
    Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1 &&
    Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 1
  const seen = boxes.map((box) => ({ ...box, shown: shownPart(box.rect, box.element) }))
  for (const [at, first] of seen.entries()) {
    for (const second of seen.slice(at + 1)) {
      const isOne = first.node === second.node || first.node.contains(second.node) || second.node.contains(first.node)
      if (!isOne && covers(first, second)) faults.push(`${first.name} and ${second.name} overlap`)
    }
  }
  return [...new Set(faults)]
}
