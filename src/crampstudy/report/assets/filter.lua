-- The second filter, after number.lua and citeproc: writes references and equations for the target, and hands figures and
-- tables to its template. As plain text (gfm) it keeps nothing but the methods, with the numbers that they have in the
-- whole, and the works that they cite.

local labels = dofile(pandoc.path.join({ pandoc.path.directory(PANDOC_SCRIPT_FILE), "labels.lua" }))
local kind_of, fail = labels.kind_of, labels.fail
local typst = FORMAT:match("typst") ~= nil
local plain = FORMAT:match("gfm") ~= nil
local word = FORMAT == "docx" and dofile(pandoc.path.join({ pandoc.path.directory(PANDOC_SCRIPT_FILE), "docx.lua" }))
local numbers = {}

local function raw(text)
  return pandoc.RawBlock(typst and "typst" or "html", text)
end

local function quoted(text)
  return '"' .. text:gsub("\\", "\\\\"):gsub('"', '\\"'):gsub("\n", " ") .. '"'
end

-- A number names its rows; `rows` is an attribute of HTML's own, of which pages make something else.
local function value(span)
  span.attributes["data-rows"], span.attributes.rows = span.attributes.rows, nil
  return span
end

local function reference(span)
  if span.classes:includes("value") then return value(span) end
  if not span.classes:includes(labels.REFERENCE) then return nil end
  local label, bare = span.attributes.label, span.attributes.bare == "yes"
  local kind, number = labels.WORDS[kind_of(label)], numbers[label]
  if typst then
    local supplement = bare and "none" or "[" .. kind .. "]"
    return pandoc.RawInline("typst", "#ref(<" .. label .. ">, supplement: " .. supplement .. ")")
  end
  if word then return word.reference(label, kind, number, bare) end
  local text = bare and number or kind .. "\u{a0}" .. number
  if plain then return pandoc.Str(text) end
  return pandoc.Link({ pandoc.Str(text) }, "#" .. label, "", { class = "ref" })
end

local function equation(math, alt, label)
  if not typst then return math end
  local code = pandoc.write(pandoc.Pandoc({ pandoc.Para({ math }) }), "typst"):gsub("%s+$", "")
  local block = math.mathtype == "DisplayMath" and "true" or "false"
  local numbering = label and 'numbering: "(1)", ' or ""
  local target = label and "<" .. label .. ">" or ""
  return pandoc.RawInline(
    "typst",
    "#math.equation(block: " .. block .. ", " .. numbering .. "alt: " .. quoted(alt) .. ", " .. code .. ")" .. target
  )
end

local function equation_block(div)
  local alt = div.attributes.alt
  if not alt or alt == "" then
    fail('equation ' .. div.identifier .. ' needs alt text: ::: {#' .. div.identifier .. ' alt="…"}')
  end
  local found = nil
  div:walk { Math = function(math) found = found or math end }
  if not found or found.mathtype ~= "DisplayMath" then fail("equation " .. div.identifier .. " holds no $$…$$") end
  if typst then return pandoc.Para({ equation(found, alt, div.identifier) }) end
  if plain then return pandoc.Para({ found, pandoc.Space(), pandoc.Str("(" .. numbers[div.identifier] .. ")") }) end
  if word then return word.equation(found, div.identifier, numbers[div.identifier]) end
  return {
    raw('<div class="equation" id="' .. div.identifier .. '">'),
    pandoc.Plain({ found }),
    raw('<span class="number">(' .. numbers[div.identifier] .. ")</span></div>"),
  }
end

local function split_note(div)
  local caption, note = pandoc.List(), pandoc.List()
  for _, block in ipairs(div.content) do
    if block.t == "Div" and block.classes:includes("note") then note:extend(block.content) else caption:insert(block) end
  end
  return caption, note
end

-- A table as text: its groups are a column, as in the file beside the report.
local function plain_table(block)
  local rows, grouped = pandoc.List(block.rows), false
  for _, row in ipairs(rows) do grouped = grouped or type(row.group) == "string" end
  local function line(first, cells)
    local made = pandoc.List(grouped and { first } or {}) .. cells
    return made:map(function(text) return { pandoc.Plain({ pandoc.Str(text) }) } end)
  end
  local heads = pandoc.List(block.columns):map(function(column) return column.heading end)
  local aligns = pandoc.List(grouped and { "AlignLeft" } or {})
  for _, column in ipairs(block.columns) do aligns:insert(column.align == "right" and "AlignRight" or "AlignLeft") end
  local body = rows:map(function(row) return line(type(row.group) == "string" and row.group or "", row.cells) end)
  local widths = aligns:map(function() return 0 end)
  return pandoc.utils.from_simple_table(pandoc.SimpleTable({}, aligns, widths, line("", heads), body))
end

local function figure_or_table(div)
  local caption, note = split_note(div)
  local label, is_table = div.identifier, div.classes:includes("table")
  if word then return word.figure_or_table(label, numbers[label], caption, note, is_table) end
  local out = pandoc.List()
  if plain then
    local name = pandoc.Strong({ pandoc.Str((is_table and "Table " or "Figure ") .. numbers[label] .. ".") })
    out:insert(pandoc.Para({ name, pandoc.Space() } .. caption[1].content))
    if is_table then out:insert(plain_table(labels.read("blocks.json")[label])) end
    return out .. note
  end
  if typst then
    out:insert(raw("#report-" .. (is_table and "table" or "figure") .. "(" .. quoted(label) .. ", caption: ["))
    out:extend(caption)
    out:insert(raw("], note: ["))
    out:extend(note)
    out:insert(raw("]" .. (is_table and "" or ", place: \"" .. div.attributes.place .. "\"") .. ")"))
    return out
  end
  local word = is_table and "Table" or "Figure"
  local view = raw("<!--view:" .. label .. "-->")
  out:insert(raw('<figure id="' .. label .. '" class="' .. (is_table and "table" or "picture") .. '">'))
  if not is_table then out:insert(view) end
  out:insert(raw('<figcaption><p class="number">' .. word .. " " .. numbers[label] .. "</p>"))
  out:extend(caption)
  if is_table then
    out:insert(raw("</figcaption>"))
    out:insert(view)
  end
  if #note > 0 then
    out:insert(raw('<div class="note">'))
    out:extend(note)
    out:insert(raw("</div>"))
  end
  if is_table then out:insert(raw("<!--files:" .. label .. "-->")) end
  out:insert(raw(is_table and "</figure>" or "</figcaption></figure>"))
  return out
end

local function write_div(div)
  if div.classes:includes("figure") or div.classes:includes("table") then return figure_or_table(div), false end
  if kind_of(div.identifier) == "eq" then return equation_block(div), false end
end

-- The paragraph before a figure is marked for the printed page, which sets no figure above it.
local function marked(block, label)
  -- Before its last word: what ends a paragraph that ends a page counts as of the next.
  if typst then block.content:insert(#block.content, pandoc.RawInline("typst", "#told(" .. quoted(label) .. ")")) end
end

-- Where figures may go: one below a heading without a word between them stays there, lest the heading be left alone; others
-- go below what is before them, a paragraph or a table.
local function placed(blocks)
  local paragraph = nil
  for at, block in ipairs(blocks) do
    if block.t == "Div" and block.classes:includes("figure") then
      block.attributes.place = at > 1 and blocks[at - 1].t == "Header" and "here" or "below"
      if paragraph then marked(paragraph, block.identifier) end
    else
      paragraph = block.t == "Para" and block or nil
    end
  end
  return blocks
end

local function write_math(math) return equation(math, math.text) end

-- Of the list of works those that a text cites; plain text has no link to them.
local function cited(blocks, text)
  local known = {}
  text:walk { Cite = function(cite) for _, citation in ipairs(cite.citations) do known["ref-" .. citation.id] = true end end }
  local kept = pandoc.List(blocks):map(function(block)
    if block.identifier ~= "refs" then return block end
    block.content = block.content:filter(function(entry) return known[entry.identifier] end)
    return block
  end)
  return next(known) and kept or {}
end

local function unlinked(link)
  return link.target:match("^#ref%-") and link.content or nil
end

function Pandoc(document)
  for label, number in pairs(document.meta.numbers) do numbers[label] = pandoc.utils.stringify(number) end
  -- What was said to the first filter and to citeproc is not of the document.
  for _, name in ipairs({ "numbers", "bibliography", "link-citations", "reference-section-title" }) do
    document.meta[name] = nil
  end
  local written, works = pandoc.List(), pandoc.List()
  for _, block in ipairs(document.blocks) do
    if block.t == "Div" and block.classes:includes("notebook") then
      labels.notebook = block.attributes.name
      if not plain or labels.notebook == "methods" then
        -- Equations with labels are written before single formulas, so that those find them done.
        local content = block:walk({ Blocks = placed }):walk({ traverse = "topdown", Div = write_div }).content
        written:extend(pandoc.Div(content):walk { Span = reference, Math = write_math }.content)
      end
    elseif not plain then
      written:insert(block)
    elseif block.identifier == "bibliography" or block.identifier == "refs" then
      works:insert(block)
    end
  end
  if plain then
    local text = pandoc.Div(written)
    written = text:walk({ Link = unlinked }).content .. cited(works, text)
  end
  document.blocks = written
  if not word then return document end
  return document:walk {
    Header = function(header)
      local number = numbers[header.identifier]
      return number and word.heading(header, number)
    end,
  }
end
