-- What the filter writes for Word: fields and bookmarks for what is numbered, real tables, pictures with alternative text.
-- The results of fields are written with them, so that a reader who updates no field sees the same as one who does.

local word = {}
local bookmarks = 100000 -- pandoc's own begin lower
local WIDTH, WIDTH_OF_SMALL = 107, 124 -- digits of a table that is as wide as the text, in its size and in the smaller one

local read = dofile(pandoc.path.join({ pandoc.path.directory(PANDOC_SCRIPT_FILE), "labels.lua" })).read

word.read = read

local function xml(text)
  return (text:gsub("&", "&amp;"):gsub("<", "&lt;"):gsub(">", "&gt;"):gsub('"', "&quot;"):gsub("'", "&#39;"))
end

local function look(bold)
  return bold and "<w:rPr><w:b/></w:rPr>" or ""
end

local function run(text, bold)
  return "<w:r>" .. look(bold) .. '<w:t xml:space="preserve">' .. xml(text) .. "</w:t></w:r>"
end

local function char(kind, bold)
  return "<w:r>" .. look(bold) .. '<w:fldChar w:fldCharType="' .. kind .. '"/></w:r>'
end

-- A result takes the look of its field where it is made anew.
local function begun(instruction, bold)
  local code = "<w:r>" .. look(bold) .. '<w:instrText xml:space="preserve"> ' .. xml(instruction) .. " </w:instrText></w:r>"
  return char("begin", bold) .. code .. char("separate", bold)
end

local function field(instruction, text, bold)
  return begun(instruction, bold) .. run(text, bold) .. char("end", bold)
end

-- Word takes letters, digits and underscores, at most forty.
local function bookmark_name(label)
  local name = label:gsub("[^%w]", "_")
  return #name <= 38 and name or "x" .. pandoc.utils.sha1(label):sub(1, 36)
end

local function mark(name)
  bookmarks = bookmarks + 1
  local id = ' w:id="' .. bookmarks .. '"'
  return "<w:bookmarkStart" .. id .. ' w:name="' .. name .. '"/>', "<w:bookmarkEnd" .. id .. "/>"
end

local function marked(name, inside)
  local first, last = mark(name)
  return first .. inside .. last
end

local function inline(openxml)
  return pandoc.RawInline("openxml", openxml)
end

function word.styled(style, inlines)
  return pandoc.Div({ pandoc.Para(inlines) }, pandoc.Attr("", {}, { ["custom-style"] = style }))
end

function word.raw(openxml)
  return pandoc.RawBlock("openxml", openxml)
end

function word.contents(headers)
  local entries = pandoc.List()
  for at, header in ipairs(headers) do
    -- What marks the number of a heading stands once.
    local words = header.content:filter(function(part) return part.t ~= "RawInline" end)
    local link = pandoc.Link(words, "#" .. header.identifier)
    local inlines = pandoc.List({ link })
    if at == 1 then inlines:insert(1, inline(begun('TOC \\o "1-2" \\h \\z \\u'))) end
    if at == #headers then inlines:insert(inline(char("end"))) end
    entries:insert(word.styled("TOC " .. header.level, inlines))
  end
  return entries
end

-- The number of a heading is the target of what speaks of its section.
function word.heading(header, number)
  local first, last = mark(bookmark_name(header.identifier))
  header.content = pandoc.List({ inline(first), pandoc.Str(number), inline(last), pandoc.Str("\u{2002}") }) .. header.content
  return header
end

function word.reference(label, kind, number, bare)
  local name = bookmark_name(label)
  if kind == "Section" then
    local link = inline(field("REF " .. name .. " \\h", number))
    return bare and { link } or { pandoc.Str(kind .. "\u{a0}"), link }
  end
  if bare then return { inline(field("REF " .. name .. "_n \\h", number)) } end
  return { inline(field("REF " .. name .. " \\h", kind .. "\u{a0}" .. number)) }
end

local function numbered(label, kind, number)
  local name = bookmark_name(label)
  local inside = marked(name .. "_n", field("SEQ " .. kind .. " \\* ARABIC", number, true))
  return inline(marked(name, run(kind .. "\u{a0}", true) .. inside) .. run(". ", true))
end

function word.equation(math, label, number)
  local name = bookmark_name(label)
  local inside = marked(name .. "_n", field("SEQ Equation \\* ARABIC", number))
  local target = "<w:r><w:tab/></w:r>" .. run("(") .. marked(name, inside) .. run(")")
  math.mathtype = "InlineMath"
  return word.styled("Equation", { inline("<w:r><w:tab/></w:r>"), math, inline(target) })
end

-- How wide the letters of Arial are that are not as wide as its digits, in thousandths of its size.
local DIGIT, BOLD = 556, 1.1 -- and how much wider bold letters are
local LETTERS = {
  [191] = "'", [222] = "ijl", [278] = " \u{a0}!,./:;I[]\\ft", [333] = "()-`r", [355] = "\"", [389] = "*", [500] = "Jckvsxyz",
  [584] = "+<=>−×±", [611] = "FTZ", [667] = "&ABEKPSVXY", [722] = "CDHNRUw", [778] = "GOQ", [833] = "Mm", [889] = "%", [944] = "W",
}
local wide = {}
for width, some in pairs(LETTERS) do
  for _, code in utf8.codes(some) do wide[code] = width / DIGIT end
end

local function breadth(text)
  local sum = 0
  for _, code in utf8.codes(text) do sum = sum + (wide[code] or 1) end
  return sum
end

-- How many digits a text is wide, and its widest word.
local function measured(text)
  local most = 0
  for part in text:gmatch("%S+") do most = math.max(most, breadth(part)) end
  return breadth(text), most
end

local LINES = 12 -- of a table that stands on one page
local LONG = 40 -- digits of a cell that goes on several lines where there is no room
local SHORT, WORD = 24, 12 -- digits of a cell that stands on one line: a number with its interval, or what is in words

-- Columns take what their cells need, long ones at least so much and more where there is room. Where that is more
-- than there is, those of short cells keep it, so that no interval is parted, and the others share the rest, each with room
-- for its longest word; such a table is set smaller.
local function widths(columns, rows)
  local wanted, words, all, kept, more, lacking = {}, {}, 0, 0, {}, 0
  for i, column in ipairs(columns) do
    local _, widest = measured(column.heading)
    local least, most = widest * BOLD, 0
    for _, row in ipairs(rows) do
      local length, longest = measured(row.cells[i])
      most, least = math.max(most, length), math.max(least, longest)
    end
    wanted[i], words[i] = 2 + math.max(least, math.min(most, LONG)), least + 2
    more[i] = math.max(0, 2 + most - wanted[i])
    all, lacking = all + wanted[i], lacking + more[i]
    if most <= (column.align == "right" and SHORT or WORD) then kept, words[i] = kept + wanted[i], nil end
  end
  local given = lacking > 0 and math.min(1, math.max(0, WIDTH - all) / lacking) or 0
  for i = 1, #wanted do wanted[i] = wanted[i] + given * more[i] end
  all = all + given * lacking
  local small = all > WIDTH
  local most = small and WIDTH_OF_SMALL or WIDTH
  if all > most and kept < all then
    local share = (most - kept) / (all - kept)
    all = kept
    for i = 1, #wanted do
      if words[i] then
        wanted[i] = math.max(words[i], wanted[i] * share)
        all = all + wanted[i]
      end
    end
  end
  local room = math.max(all, most)
  for i = 1, #wanted do wanted[i] = wanted[i] / room end
  return wanted, small and " Small" or ""
end

-- A table is written as it stands in the file: of thousands of cells pandoc would make as many blocks first.
local FULL, LINE = 5000, 7920 -- the width of a table in fiftieths of a per cent, and of the text as pandoc takes it

local function cell(text, style, align, span)
  local form = span and '<w:tcPr><w:gridSpan w:val="' .. span .. '" /></w:tcPr>' or "<w:tcPr />"
  local look = '<w:pPr><w:pStyle w:val="' .. style:gsub(" ", "") .. '" /><w:jc w:val="' .. align .. '" /></w:pPr>'
  return "<w:tc>" .. form .. "<w:p>" .. look .. (text == "" and "" or run(text)) .. "</w:p></w:tc>"
end

local function line(cells, properties)
  return "<w:tr>" .. (properties or "") .. table.concat(cells) .. "</w:tr>"
end

function word.grid(columns, rows)
  local share, size = widths(columns, rows)
  local sum, grid, heads = 0, {}, {}
  local function aligned(i) return columns[i].align == "right" and "right" or "left" end
  for i, column in ipairs(columns) do
    sum = sum + share[i]
    grid[i] = '<w:gridCol w:w="' .. math.floor(LINE * share[i]) .. '" />'
    heads[i] = cell(column.heading, "Table Head" .. size, aligned(i))
  end
  local out = {
    '<w:tbl><w:tblPr><w:tblStyle w:val="Table" /><w:tblW w:type="pct" w:w="' .. math.floor(FULL * sum + 0.5) .. '" />',
    '<w:tblLayout w:type="fixed" /><w:tblLook w:firstRow="1" w:lastRow="0" w:firstColumn="0" w:lastColumn="0"',
    ' w:noHBand="0" w:noVBand="0" w:val="0020" /></w:tblPr><w:tblGrid>' .. table.concat(grid) .. "</w:tblGrid>",
    line(heads, '<w:trPr><w:tblHeader w:val="on" /></w:trPr>'),
  }
  local last = nil
  for at, row in ipairs(rows) do
    local kept = #rows <= LINES and at < #rows and "Table Kept" or "Table Text"
    local style = (row.summary and "Table Summary" or kept) .. size
    local group = type(row.group) == "string" and row.group or nil
    if group and group ~= last then out[#out + 1] = line({ cell(group, "Table Group" .. size, "left", #columns) }) end
    last = group
    local cells = {}
    for i, text in ipairs(row.cells) do cells[i] = cell(text, style, aligned(i)) end
    out[#out + 1] = line(cells)
  end
  out[#out + 1] = "</w:tbl>"
  return word.raw(table.concat(out))
end

local function paragraphs(style, content)
  return pandoc.List(content):map(function(block)
    return block.content and block.t ~= "Div" and word.styled(style, block.content) or block
  end)
end

function word.figure_or_table(label, number, caption, note, is_table)
  local kind = is_table and "Table" or "Figure"
  local block = read("blocks.json")[label]
  local head = paragraphs(is_table and "Table Caption" or "Image Caption", caption)
  head[1].content[1].content:insert(1, numbered(label, kind, number))
  local out = pandoc.List()
  if is_table then
    out:extend(head)
    out:insert(word.grid(block.columns, block.rows))
  else
    local size = { width = block.millimetres .. "mm" }
    local picture = pandoc.Image({ pandoc.Str(block.alt) }, label .. ".png", "", pandoc.Attr("", {}, size))
    out:insert(word.styled("Captioned Figure", { picture }))
    out:extend(head)
  end
  out:extend(paragraphs(is_table and "Table Note" or "Figure Note", note))
  return out
end

return word
