% Reads a MatConvNet file with Octave's own load, runs its layers as vl_simplenn or dagnn's eval would, and compares the logits.
% octave-cli check_mat.m FILE INPUT.npy LOGITS.npy
1;

function x = npy(path)
  % An array of float32 with its axes reversed: in row-major order the last one varies fastest, and here the first one.
  file = fopen(path, "r", "ieee-le");
  fread(file, 8);
  header = char(fread(file, fread(file, 1, "uint16"), "uint8")');
  assert(! isempty(strfind(header, "'<f4'")), "float32 is needed");
  shape = str2num(["[" regexp(header, "'shape': \\(([^)]*)\\)", "tokens"){1}{1} "]"]);
  columns = ! isempty(strfind(header, "'fortran_order': True"));
  x = fread(file, Inf, "single");
  if columns, x = permute(reshape(x, [shape 1]), numel(shape):-1:1); else, x = reshape(x, [fliplr(shape) 1]); end
  fclose(file);
end

function v = pairs(v)
  v = double(v(:)');
  if numel(v) == 1, v = [v v]; end
end

function v = sides(v)
  v = double(v(:)');
  if numel(v) == 1, v = [v v v v]; end
end

function x = padded(x, pad, value)
  [h, w, c] = size(x);
  out = value * ones(h + pad(1) + pad(2), w + pad(3) + pad(4), c);
  out(pad(1) + (1:h), pad(3) + (1:w), :) = x;
  x = out;
end

function y = convolved(x, weights, bias, pad, stride)
  % h w i o, as vl_nnconv takes them; a window that does not fit is left out.
  x = padded(x, sides(pad), 0);
  stride = pairs(stride);
  [h, w, inputs, outputs] = size(weights);
  rows = 1:stride(1):size(x, 1) - h + 1;
  columns = 1:stride(2):size(x, 2) - w + 1;
  y = zeros(numel(rows), numel(columns), outputs);
  for o = 1:outputs
    sum = zeros(size(x, 1) - h + 1, size(x, 2) - w + 1);
    for i = 1:inputs
      sum += conv2(x(:, :, i), rot90(double(weights(:, :, i, o)), 2), "valid");
    end
    y(:, :, o) = sum(rows, columns);
    if ! isempty(bias), y(:, :, o) += double(bias(o)); end
  end
end

function y = pooled(x, window, stride, pad)
  window = pairs(window); stride = pairs(stride);
  x = padded(x, sides(pad), -Inf);
  rows = 1:stride(1):size(x, 1) - window(1) + 1;
  columns = 1:stride(2):size(x, 2) - window(2) + 1;
  y = -Inf(numel(rows), numel(columns), size(x, 3));
  for a = 0:window(1) - 1
    for b = 0:window(2) - 1
      y = max(y, x(rows + a, columns + b, :));
    end
  end
end

function x = normalised(x, gain, bias, moments)
  % vl_nnbnorm with moments: their second column is sqrt(variance + epsilon).
  across = @(v) reshape(double(v), 1, 1, []);
  x = (x - across(moments(:, 1))) ./ across(moments(:, 2)) .* across(gain) + across(bias);
end

function x = simplenn(layers, x)
  for k = 1:numel(layers)
    layer = layers{k};
    switch layer.type
      case "conv"
        x = convolved(x, layer.weights{1}, layer.weights{2}, layer.pad, layer.stride);
      case "bnorm"
        x = normalised(x, layer.weights{:});
      case "relu"
        x = max(x, 0);
      case "pool"
        assert(layer.method, "max");
        x = pooled(x, layer.pool, layer.stride, layer.pad);
      otherwise
        assert(any(strcmp(layer.type, {"softmax", "dropout"})), ["layer of type " layer.type]);
    end
  end
end

function x = dagnn(net, x)
  for k = 1:numel(net.layers)
    layer = net.layers(k);
    values = cellfun(@(name) net.params(strcmp(name, {net.params.name})).value, layer.params, "UniformOutput", false);
    switch layer.type
      case "dagnn.Conv"
        assert(logical(layer.block.hasBias), numel(values) == 2);
        x = convolved(x, [values, {[]}]{1:2}, layer.block.pad, layer.block.stride);
      case "dagnn.BatchNorm"
        x = normalised(x, values{:});
      case "dagnn.ReLU"
        x = max(x, 0);
      case "dagnn.Pooling"
        assert(layer.block.method, "max");
        x = pooled(x, layer.block.poolSize, layer.block.stride, layer.block.pad);
      otherwise
        assert(any(strcmp(layer.type, {"dagnn.SoftMax", "dagnn.DropOut"})), ["layer of type " layer.type]);
    end
  end
end

[path, input, expected] = argv(){:};
net = load(path);
if isfield(net, "net"), net = net.net; end
images = permute(npy(input), [2 1 3 4]);
logits = npy(expected);
worst = 0;
for n = 1:size(images, 4)
  if isfield(net, "params"), y = dagnn(net, images(:, :, :, n)); else, y = simplenn(net.layers, images(:, :, :, n)); end
  worst = max(worst, max(abs(y(:) - logits(:, n))));
end
error_of_largest = worst / max(abs(logits(:)));
assert(error_of_largest <= 1e-4, sprintf("logits differ by %.2e of the largest", error_of_largest));
printf("octave %s: %d images, logits within %.1e\n", version(), size(images, 4), error_of_largest);
