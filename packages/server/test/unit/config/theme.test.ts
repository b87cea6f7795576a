import { describe, expect, it } from 'vitest'
import { blocksLeftOut, Page } from '../../../../../test/support/page.js'
import { contrastOf } from '../../../src/config/color-contrast.js'
import { defaultTheme, parseTheme, themeProblem } from '../../../src/config/theme.js'

describe('the theme of the pages', () => {
  it('completes what is given by the colors of Latchkey', () => {
    const given = {
      name: 'Example',
      logo: '/srv/logo.svg',
      colors: { light: { accent: '#7a1fa2' } },
      links: { terms: 'https://example.com/terms' },
    }
    expect(parseTheme(JSON.stringify(given))).toEqual({
      ...defaultTheme,
      name: 'Example',
      logo: '/srv/logo.svg',
      light: { ...defaultTheme.light, accent: '#7a1fa2' },
      links: { terms: 'https://example.com/terms' },
    })
    expect(parseTheme('{}')).toEqual(defaultTheme)
  })

  it('may be that of docs/guides/pages.md', () => {
    const [text = ''] = Page.at('docs/guides/pages.md').take('json')
    expect([themeProblem(text), parseTheme(text)?.name]).toEqual([undefined, 'Example'])
    expect(blocksLeftOut('docs/guides/pages.md')).toEqual([])
  })

  it.each([
    ['[]', 'it is not a JSON object'],
    ['{', 'it is not a JSON object'],
    ['{"title":"x"}', 'it has an unknown member "title"'],
    ['{"name":" "}', '"name" is not a text of 1 to 60 characters'],
    ['{"logo":"logo.exe"}', '"logo" is not the path of an image: .svg, .png, .jpg or .webp'],
    ['{"colors":{"sepia":{}}}', '"colors" has an unknown member "sepia"'],
    ['{"colors":{"light":{"accent":"red"}}}', '"accent" of "colors.light" is not a color such as "#0b5cad"'],
    ['{"colors":{"light":{"accent":"#fff;}"}}}', '"accent" of "colors.light" is not a color such as "#0b5cad"'],
    ['{"links":{"terms":"javascript:alert(1)"}}', '"terms" of "links" is not an http or https URL'],
  ])('is refused: %s', (text, problem) => {
    expect([parseTheme(text), themeProblem(text)]).toEqual([undefined, problem])
  })

  it('is refused if people with weak sight could not read it', () => {
    const text = '{"colors":{"dark":{"accent":"#444444"}}}'
    expect(themeProblem(text)).toMatch(/^"accent" on "surface" of "colors.dark" has a contrast of 1\.\d to 1/)
  })

  it('has contrasts by the formula of WCAG', () => {
    expect(contrastOf('#000000', '#ffffff')).toBeCloseTo(21, 5)
    expect(contrastOf('#777777', '#ffffff')).toBeCloseTo(4.48, 2)
    expect(
      themeProblem(JSON.stringify({ colors: { light: defaultTheme.light, dark: defaultTheme.dark } })),
    ).toBeUndefined()
  })
})
