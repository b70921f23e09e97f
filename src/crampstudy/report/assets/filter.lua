-- One filter for all targets: shifts the headings of a notebook, numbers what has a label, resolves
-- @fig-…, @tbl-…, @eq-… and @sec-…, and hands figures and tables to the target's template.
-- As plain text (gfm) it keeps nothing but the methods, with the numbers that they have in the whole.
-- An error begins with "REPORT: " so that the caller can tell it from a fault of pandoc.

local typst = FORMAT:match("typst") ~= nil
local plain = FORMAT:match("gfm") ~= nil
local word = FORMAT == "docx" and dofile(pandoc.path.join({ pandoc.path.directory(PANDOC_SCRIPT_FILE), "docx.lua" }))
local WORDS = { fig = "Figure", tbl = "Table", eq = "Equation", sec = "Section" }
local numbers = {}
local notebook = "?"

local function fail(text)
  error("REPORT: notebook " .. notebook .. ": " .. text .. "\nREPORT-END", 0)
end

local function raw(text)
  return pandoc.RawBlock(typst and "typst" or "html", text)
end

local function quoted(text)
  return '"' .. text:gsub("\\", "\\\\"):gsub('"', '\\"'):gsub("\n", " ") .. '"'
end

local function kind_of(label)
  return label:match("^(%a+)%-[%w-]+$")
end

-- Pass 1: headings move down by the notebook's shift, and each label gets its number in reading order.

local counts = { fig = 0, tbl = 0, eq = 0 }
local level = { 0, 0, 0, 0, 0, 0 }

local function number_heading(header)
  if header.classes:includes("unnumbered") then return end
  level[header.level] = level[header.level] + 1
  for deeper = header.level + 1, 6 do level[deeper] = 0 end
  -- "## Age curve" is the target of @sec-age-curve without being told.
  if kind_of(header.identifier) ~= "sec" then header.identifier = "sec-" .. header.identifier end
  numbers[header.identifier] = table.concat(level, ".", 1, header.level)
end

local function number_block(div)
  local kind = kind_of(div.identifier)
  if kind and counts[kind] then
    counts[kind] = counts[kind] + 1
    numbers[div.identifier] = tostring(counts[kind])
  end
end

local function prepare(div)
  if not div.classes:includes("notebook") then
    number_block(div)
    return nil
  end
  notebook = div.attributes.name
  local shift = tonumber(div.attributes.shift)
  return div:walk {
    traverse = "topdown",
    Header = function(header)
      header.level = header.level + shift
      if header.level > 5 then fail("heading '" .. pandoc.utils.stringify(header) .. "' is nested too deeply") end
      number_heading(header)
      return header
    end,
    Div = function(inner) number_block(inner) end,
    Image = function() fail("a picture in the text; show it with blocks.figure, which asks for caption and alt") end,
  }
end

-- Pass 2: references, equations and blocks are written for the target.

local function reference(cite)
  local parts = {}
  for _, citation in ipairs(cite.citations) do
    local kind = WORDS[kind_of(citation.id) or ""]
    if kind then
      local number = numbers[citation.id]
      if not number then
        local known = {}
        for label in pairs(numbers) do known[#known + 1] = "@" .. label end
        table.sort(known)
        fail("unknown reference @" .. citation.id .. "; known are: " .. table.concat(known, ", "))
      end
      local bare = citation.mode == "SuppressAuthor"
      if #parts > 0 then parts[#parts + 1] = pandoc.Str(", ") end
      if typst then
        local supplement = bare and "none" or "[" .. kind .. "]"
        parts[#parts + 1] = pandoc.RawInline("typst", "#ref(<" .. citation.id .. ">, supplement: " .. supplement .. ")")
      elseif word then
        for _, part in ipairs(word.reference(citation.id, kind, number, bare)) do parts[#parts + 1] = part end
      elseif plain then
        parts[#parts + 1] = pandoc.Str(bare and number or kind .. "\u{a0}" .. number)
      else
        local text = bare and number or kind .. "\u{a0}" .. number
        parts[#parts + 1] = pandoc.Link({ pandoc.Str(text) }, "#" .. citation.id, "", { class = "ref" })
      end
    end
  end
  if #parts == 0 then return nil end
  if #parts < #cite.citations then fail("cite literature and figures in brackets of their own") end
  return parts
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

local function figure_or_table(div)
  local caption, note = split_note(div)
  local label, is_table = div.identifier, div.classes:includes("table")
  if word then return word.figure_or_table(label, numbers[label], caption, note, is_table) end
  local out = pandoc.List()
  if plain then
    local name = pandoc.Strong({ pandoc.Str((is_table and "Table " or "Figure ") .. numbers[label] .. ".") })
    out:insert(pandoc.Para({ name, pandoc.Space() } .. caption[1].content))
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
  out:insert(raw(is_table and "</figure>" or "</figcaption></figure>"))
  return out
end

local function write_div(div)
  if div.classes:includes("figure") or div.classes:includes("table") then return figure_or_table(div), false end
  if kind_of(div.identifier) == "eq" then return equation_block(div), false end
end

-- Where figures may go: one below a heading without a word between them stays there, lest the heading be left alone; the
-- first of a section never goes above the section's heading; others to head or foot.
local function placed(blocks)
  local first = "below"
  for place, block in ipairs(blocks) do
    if block.t == "Div" and block.classes:includes("figure") then
      block.attributes.place = place > 1 and blocks[place - 1].t == "Header" and "here" or first
      first = "anywhere"
    end
  end
  return blocks
end

local function write_math(math) return equation(math, math.text) end

function Pandoc(document)
  local blocks = pandoc.List()
  for _, block in ipairs(document.blocks) do
    if block.t == "Div" then block = prepare(block) or block elseif block.t == "Header" then number_heading(block) end
    blocks:insert(block)
  end
  local written = pandoc.List()
  for _, block in ipairs(blocks) do
    if block.t == "Div" and block.classes:includes("notebook") then
      notebook = block.attributes.name
      -- Equations with labels are written before single formulas, so that those find them done.
      local content = block:walk({ Blocks = placed }):walk({ traverse = "topdown", Div = write_div }).content
      if not plain or notebook == "methods" then written:extend(pandoc.Div(content):walk { Cite = reference, Math = write_math }.content) end
    elseif not plain then
      written:insert(block)
    end
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
