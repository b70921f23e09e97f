-- What the filters have in common: kinds of labels, and how they tell of an error.
-- An error begins with "REPORT: " so that the caller can tell it from a fault of pandoc.

local labels = {
  WORDS = { fig = "Figure", tbl = "Table", eq = "Equation", sec = "Section" },
  REFERENCE = "report-reference", -- the class of what stands for a reference between the filters
  notebook = "?", -- that is being read
}

function labels.fail(text)
  error("REPORT: notebook " .. labels.notebook .. ": " .. text .. "\nREPORT-END", 0)
end

function labels.kind_of(label)
  return label:match("^(%a+)%-[%w-]+$")
end

local contents = {}

-- What a file of the folder holds, which is read once.
function labels.read(name)
  if not contents[name] then
    local file = assert(io.open(name, "rb"))
    contents[name] = pandoc.json.decode(file:read("a"), false)
    file:close()
  end
  return contents[name]
end

return labels
